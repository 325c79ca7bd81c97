/** What a reader has chosen on this device; where nothing can be kept, for as long as the page is there. */

const kept = new Map();

/** Return a choice, or what holds without one. */
export function chosen(name, usual) {
  try {
    return JSON.parse(localStorage.getItem(`tidewire.${name}`)) ?? usual;
  } catch {
    return kept.get(name) ?? usual;
  }
}

/** Let a box show and change a choice. */
export function offer(id, name, usual, changed = () => {}) {
  const box = document.getElementById(id);
  if (!box) return;
  box.checked = chosen(name, usual);
  box.addEventListener("change", () => {
    kept.set(name, box.checked);
    try {
      localStorage.setItem(`tidewire.${name}`, box.checked);
    } catch {
      // It holds for this page.
    }
    changed(box.checked);
  });
}
