// node draw.mjs CARDS.json PAGE.html COLUMNS [WHAT...]: the cards (or those with these captions) as a Block Kit
// renderer shows them, side by side on one page.
// It shows no confirm dialogs, takes `verbatim` for "no markup at all" (so that is left out here), and un-escapes
// before it parses (so an escaped `<` is kept apart from what follows): a preview, no evidence about injection.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { Message } from "slack-blocks-to-jsx";

const [cardsFile, pageFile, columns, ...wanted] = process.argv.slice(2);
const { users, cards } = JSON.parse(readFileSync(cardsFile, "utf-8"), (name, value) => {
  if (name === "verbatim") return undefined;
  return typeof value === "string" ? value.replaceAll("&lt;", "<\u2060") : value;
});
const style = readFileSync(createRequire(import.meta.url).resolve("slack-blocks-to-jsx/dist/style.css"), "utf-8");

// A reader in UTC: the fallback text of each date, without the year and the zone.
const hooks = { date: ({ fallback }) => fallback.replace(/ \d{4} (\d\d:\d\d) UTC$/, " at $1") };

const shown = wanted.length ? wanted.map((what) => cards.find((card) => card.what === what)) : cards;
const figures = shown.map(({ what, blocks }) => {
  const message = createElement(Message, {
    blocks, hooks, data: { users }, theme: "light", logo: "", name: "Allclear", withoutWrapper: true,
  });
  return `<figure><figcaption>${what}</figcaption><div class="card">${renderToStaticMarkup(message)}</div></figure>`;
});

writeFileSync(pageFile, `<!doctype html><meta charset="utf-8"><style>${style}</style><style>
  body { margin: 16px; background: #f2f2f4; font: 15px/1.46 Lato, "Helvetica Neue", Arial, sans-serif; columns: ${columns}; column-gap: 16px; }
  figure { margin: 0 0 16px; break-inside: avoid; }
  figcaption { color: #616061; font-size: 13px; margin: 0 0 4px 2px; }
  .card { background: #fff; border: 1px solid #ddd; border-radius: 8px; padding: 10px 14px; }
</style><body>${figures.join("\n")}
<script>document.documentElement.dataset.height = Math.ceil(document.body.getBoundingClientRect().height) + 32</script>`);
