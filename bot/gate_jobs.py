"""How a gate's job is answered, as a protocol. bot.ports.Pipelines is one."""

from typing import Protocol


class GateJobs(Protocol):
    """Each answer is taken once: a job that was answered before takes no other."""

    def fail_job(self, region: str, job_id: str, message: str, external_execution_id: str) -> bool:
        """PutJobFailureResult (JobFailed). False after a final refusal: the job is unknown or was answered before.

        Raises TryLater.
        """
        ...

    def pass_job(self, region: str, job_id: str, summary: str) -> bool:
        """PutJobSuccessResult. Otherwise as fail_job."""
        ...

    def keep_job(self, region: str, job_id: str, token: str, summary: str) -> bool:
        """PutJobSuccessResult with a continuation token: the action goes on, and a new job brings the token back.

        Otherwise as fail_job.
        """
        ...
