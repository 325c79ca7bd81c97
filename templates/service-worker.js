/* Shows what web push tells while no page is open; a click leads to what it is about. */

addEventListener("push", (event) => {
  const { body, url, tag } = event.data.json();
  const shown = { body, tag, data: url, icon: "{{ icon }}", badge: "{{ icon }}" };
  event.waitUntil(registration.showNotification("Tidewire", shown));
});

addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data));
});

/** Go on in a page that is open, or open one; addresses of other sites are not followed. */
async function open(url) {
  const target = new URL(/^\/(?!\/)/.test(url) ? url : "/", location.origin).href;
  const [page] = await clients.matchAll({ type: "window" });
  if (!page) return clients.openWindow(target);
  await page.focus();
  return page.navigate(target);
}
