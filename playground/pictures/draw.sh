#!/bin/sh -eu
# The cards as a night on the local cloud really sent them: docs/cards.png has every status, docs/card.png two.
# `make pictures` runs it; the Debian packages it needs are chromium, nodejs, npm and pngquant.
for program in chromium node npm pngquant; do
	command -v "$program" >/dev/null || {
		echo "$program is missing. On Debian: apt-get install chromium nodejs npm pngquant"
		exit 1
	}
done
here=$(dirname "$0")
work=build/pictures
mkdir -p "$work"
cp "$here/package.json" "$here/draw.mjs" "$work"
npm install --prefix "$work" --no-audit --no-fund --silent
.venv/bin/python -m playground.pictures.cards "$work/cards.json"

browse() {
	chromium --headless --no-sandbox --disable-gpu --hide-scrollbars "$@" "$work/page.html" 2>/dev/null
}

picture() { # NAME WIDTH COLUMNS [WHAT...]
	name=$1 width=$2
	shift 2
	node "$work/draw.mjs" "$work/cards.json" "$work/page.html" "$@"
	height=$(browse --window-size="$width,800" --dump-dom | sed -n 's/.*data-height="\([0-9]*\)".*/\1/p')
	browse --window-size="$width,$height" --screenshot="$work/$name"
	pngquant --force --speed 1 --quality 50-90 --output "docs/$name" "$work/$name"
	ls -l "docs/$name"
}

picture cards.png 1640 3
picture card.png 1100 2 "Held by the health gate" Recovered
