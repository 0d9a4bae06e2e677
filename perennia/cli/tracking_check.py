"""`perennia doctor` on the name under which links tell of clicks: https, ours, and leading to the API."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx

from perennia.core.definitions import Policies
from perennia.core.tracking import is_tracking
from perennia.domains.records import Checked
from perennia.settings import Settings

ABOUT = "tracking"
PATIENCE = 10.0  # seconds
REMEDY = "set PERENNIA_TRACKING_URL to an https name of your own that leads to `perennia serve`"


async def check_tracking(settings: Settings, policies: Policies | None) -> list[Checked]:
    """Nothing where no topic and no sender is tracked."""
    if policies is None or not is_tracking(policies):
        return []
    url = settings.tracking_url or settings.public_url
    if url is None or not url.startswith("https://"):
        where = "lead to this machine only" if url is None else f"lead to {url}, which is not encrypted"
        return [Checked(ABOUT, "fail", f"links that tell of clicks {where}", REMEDY)]
    found = [await _answers(url)]
    host = urlsplit(url).hostname or ""
    senders = [each.email.rpartition("@")[2].lower() for each in policies.senders.values()]
    if not any(_related(host, domain) for domain in senders):
        message = (
            f"{host} is under no domain of a sender ({', '.join(senders)}): receivers trust links of the sender's own"
        )
        found.append(Checked(ABOUT, "warn", message, "use a name under the domain of your senders"))
    return found


async def _answers(url: str) -> Checked:
    try:
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            answer = await client.get(f"{url}/healthz")
    except httpx.HTTPError as error:
        return Checked(ABOUT, "fail", f"{url} does not answer: {type(error).__name__}", REMEDY)
    if answer.status_code != 200 or '"ok"' not in answer.text:
        return Checked(ABOUT, "fail", f"{url}/healthz answers {answer.status_code}: that is not the API", REMEDY)
    return Checked(ABOUT, "ok", f"{url} leads to the API")


def _related(host: str, domain: str) -> bool:
    """Whether one is below the other, or both are siblings below a name of at least two parts."""
    above = domain.split(".", 1)[1] if domain.count(".") > 1 else domain
    return host in (domain, above) or host.endswith((f".{domain}", f".{above}"))
