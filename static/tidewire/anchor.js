/** What is being read stays where it is. Not every browser sees to that, so none is asked to. */

document.documentElement.style.overflowAnchor = "none";

const isSeen = (box) => box.height > 0 && box.bottom > 0 && box.top < innerHeight;

/** Return what the reader looks at: what has the focus, else the first cards that are seen, whichever will be left. */
function candidates() {
  const focused = document.querySelector("main :focus-visible");
  if (focused && isSeen(focused.getBoundingClientRect())) return [focused];
  // At the top one looks at what comes.
  if (scrollY === 0) return [];
  const cards = [...document.querySelectorAll("[data-list] > *, .single > .entry")];
  const first = cards.findIndex((card) => isSeen(card.getBoundingClientRect()));
  return first < 0 || isTopOf(cards[first]) ? [] : cards.slice(first, first + 10);
}

/** Say whether a list is seen from where it begins, and what is new there is to be seen, too. */
const isTopOf = (card) => card.parentElement.dataset.list === "entry" && card.parentElement.getBoundingClientRect().top >= 0;

/** Change the page, and scroll by as much as the change has moved what is being read. */
export function keepPlace(change) {
  const before = candidates().map((element) => [element, element.getBoundingClientRect().top]);
  change();
  const [element, top] = before.find(([element]) => element.isConnected) ?? [];
  const shift = element ? element.getBoundingClientRect().top - top : 0;
  if (shift) scrollBy({ top: shift, behavior: "instant" });
}
