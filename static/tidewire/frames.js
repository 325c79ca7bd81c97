/** What comes in is shown once a frame, however much it is, and only as it stands in the end. */

const BUDGET = 12;

/** Return a function that takes things in; `apply` gets them together, in order, as many as a frame bears. */
export function perFrame(apply) {
  let [queue, isPlanned] = [[], false];

  function run() {
    isPlanned = false;
    const until = performance.now() + BUDGET;
    do apply(queue.splice(0, 100));
    while (queue.length && performance.now() < until);
    if (queue.length) plan();
  }

  /** A page that nobody sees has no frames. */
  function plan() {
    if (isPlanned) return;
    isPlanned = true;
    if (document.hidden) setTimeout(run);
    else requestAnimationFrame(run);
  }

  // One that is put away before its frame came still has to take in what it was given.
  document.addEventListener("visibilitychange", () => document.hidden && isPlanned && setTimeout(run));

  return (things) => {
    queue.push(...things);
    if (queue.length) plan();
  };
}
