// Where the focus goes when a page is shown by navigation: its heading. Without it, keyboard and screen reader would
// stay on a link that may be gone.
let navigated = false;

/** Said by the router whenever the path changes after the first page. */
export function willArrive() {
  navigated = true;
}

/** Attached to the heading of a page. */
export function arrive(heading: HTMLElement) {
  if (!navigated) return;
  navigated = false;
  heading.focus({ preventScroll: true });
}
