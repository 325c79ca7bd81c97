/** What pages of tools have in common with readers' pages: the count of unread notifications, and times that tick. */

import { viewer } from "./cards.js";
import { inbox } from "./inbox.js";
import { show } from "./state.js";
import { connect } from "./tidewire.js";
import { keepTicking } from "./times.js";

keepTicking();
if (viewer) {
  const live = connect({ identity: viewer });
  const does = inbox(() => live.state === "live");
  const { cursor } = document.querySelector("[data-cursor]").dataset;
  live.addEventListener("state", () => show(live.state));
  live.subscribe({ topics: ["me"], after: cursor }, { events: (some) => some.forEach(({ type, data }) => does[type]?.(data)) });
}
