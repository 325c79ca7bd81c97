/** Offers to copy what stands in an element: `data-copy` names it. Without a clipboard nothing is offered. */

const DONE = 2000;

/** Show the buttons within an element. */
export function offerCopies(root = document) {
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll("[data-copy]")) button.hidden = false;
}

document.addEventListener("click", async ({ target }) => {
  const button = target.closest?.("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
  button.firstChild.data = "Copied";
  setTimeout(() => (button.firstChild.data = "Copy"), DONE);
});
offerCopies();
