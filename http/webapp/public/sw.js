// Lets the app start and open every page without the network. Data is none of its business: it answers for the page and
// for the hashed files of the build only, everything else goes its way.
//
// The page comes from the network where there is one, so that a new version is used at once. What is kept is a whole
// version always: the page is replaced only after all its files (offline.json) are here. Files of the version before
// stay, for tabs that still show it.
const cacheName = 'mana-app';
const page = '/';
const list = '/offline.json';
const patienceMs = 4000;

async function listed(response) {
  return response ? (await response.json()).files : [];
}

async function keep(html) {
  const cache = await caches.open(cacheName);
  const before = await listed(await cache.match(list));
  const fresh = await fetch(list, { cache: 'no-store' });
  if (!fresh.ok) return;
  const files = await listed(fresh.clone());
  const known = new Set((await cache.keys()).map((request) => new URL(request.url).pathname));
  await cache.addAll(files.filter((file) => !known.has(file)));
  await cache.put(page, html);
  await cache.put(list, fresh);
  const wanted = new Set([page, list, ...files, ...before]);
  await Promise.all([...known].filter((file) => !wanted.has(file)).map((file) => cache.delete(file)));
}

const isPage = (response) =>
  response.ok && (response.headers.get('Content-Type') ?? '').startsWith('text/html');

async function fromNetwork(event) {
  const response = await fetch(page, { cache: 'no-cache' });
  // A proxy's or a broken server's page is not ours.
  if (isPage(response)) event.waitUntil(keep(response.clone()).catch(() => undefined));
  return response;
}

async function answerPage(event) {
  const network = fromNetwork(event);
  const kept = await caches.match(page);
  if (!kept) return network;
  const patience = new Promise((resolve) => setTimeout(resolve, patienceMs));
  const first = await Promise.race([network.catch(() => undefined), patience]);
  return first && first.ok ? first : kept;
}

async function answerFile(request) {
  return (await caches.match(request, { ignoreVary: true })) ?? fetch(request);
}

self.addEventListener('install', (event) => {
  self.skipWaiting();
  event.waitUntil(
    fetch(page, { cache: 'no-cache' }).then((response) => (isPage(response) ? keep(response) : undefined)),
  );
});

self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== 'GET' || origin !== self.location.origin) return;
  if (request.mode === 'navigate' && pathname === page) event.respondWith(answerPage(event));
  else if (pathname.startsWith('/assets/') || pathname === '/icon.svg')
    event.respondWith(answerFile(request));
});
