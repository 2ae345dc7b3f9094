// The service worker: the app starts and works without network and service, and a later build takes its place.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { Door } from './lib/door.mjs';
import { launch, password, Person } from './lib/person.mjs';
import { Account, builds } from './lib/service.mjs';

let browser;
const door = new Door();
before(async () => (browser = await launch()));
afterEach(() => door.shut());
after(() => browser?.close());

// Until the worker has a whole build of this mark, and answers for the page.
const isKept = (p, mark) =>
  p.page.waitForFunction(async (wanted) => {
    const page = await (await caches.match('/'))?.text();
    const list = await (await caches.match('/offline.json'))?.text();
    return navigator.serviceWorker.controller && list && page?.includes(wanted);
  }, mark);

const ofFirst = '/assets/index-';
const ofLater = '/assets/later-index-';
const buildOf = (p) => p.page.evaluate(() => document.querySelector('meta[name=build]')?.content ?? 'first');

async function startsAt(p, path) {
  await p.page.close();
  p.page = await p.context.newPage();
  await p.goTo(path);
}

async function opens(p, paths) {
  for (const path of paths) {
    await p.goTo(path);
    await p.page.locator('main h1').first().waitFor();
    await p.page.waitForFunction(() => !document.querySelector('main .loading'));
    const title = await p.page.locator('main h1').first().textContent();
    assert.notEqual(title, 'Diese Seite ließ sich nicht laden', path);
  }
}

async function syncNow(p) {
  await p.page.getByRole('button', { name: /^Abgleich: / }).click();
  await p.click('Jetzt abgleichen');
  await p.synced();
}

async function edit(p, title, words) {
  await p.goTo('/notes');
  await p.page.getByRole('link', { name: title }).click();
  await p.page.getByRole('link', { name: 'Bearbeiten' }).click();
  await p.fill(/^Text/, words);
  await p.click('Speichern');
  await p.page.locator('main').getByText(words).waitFor();
}

const opsIn = async (name, app) =>
  (await (await Account.signIn(name, password, door.url)).pull(app)).map(({ op }) => op);

test('without network and service the app opens, works, and keeps what is written for later', async () => {
  await door.openTo(builds.first);
  const p = await Person.at(browser, { url: door.url });
  await p.register('tina');
  await p.addNote('Garten', 'Rosen schneiden');
  await p.synced();
  await isKept(p, ofFirst);

  await p.context.setOffline(true);
  await door.shut();
  await startsAt(p, '/notes');
  await p.sees('Garten');
  await p.sees(/^Offline\. /);
  // None of these was open before.
  await opens(p, ['/workbench/timeline', '/calendar/new', '/goals', '/settings', '/missions/new']);
  await edit(p, 'Garten', 'Rosen schneiden, Laub harken');
  await p.addNote('Im Zug', 'Kein Netz');
  await p.picture('page-offline');
  await p.page.reload();
  await p.goTo('/notes');
  await p.sees('Im Zug');

  // The network is back, the service is not.
  await p.context.setOffline(false);
  await startsAt(p, '/notes');
  await p.sees('Im Zug');
  await p.page.getByRole('button', { name: 'Abgleich: 2 Änderungen warten' }).waitFor();

  await door.openTo(builds.first);
  await syncNow(p);
  assert.deepEqual((await opsIn(p.name, 'notes')).sort(), ['insert', 'insert', 'update']);
  await p.context.close();
});

test('a later build is taken up, with the edits that wait, and the tab of the one before goes on', async () => {
  await door.openTo(builds.first);
  const p = await Person.at(browser, { url: door.url });
  await p.register('uwe');
  await p.addNote('Keller', 'Regal bauen');
  await p.synced();
  await isKept(p, ofFirst);
  const before = await p.newTab();
  await before.goTo('/notes');
  await before.sees('Keller');

  await door.shut();
  await edit(p, 'Keller', 'Regal bauen, Kisten stapeln');
  await p.page.getByRole('button', { name: /^Abgleich: 1 Änderung wartet/ }).waitFor();
  await door.openTo(builds.later);
  assert.equal(await buildOf(p), 'first');
  await p.page.reload();
  await p.sees('Regal bauen, Kisten stapeln');
  assert.equal(await buildOf(p), 'later');
  await syncNow(p);
  assert.deepEqual((await opsIn(p.name, 'notes')).sort(), ['insert', 'update']);

  await isKept(p, ofLater);
  await door.shut();
  // Its files are not served by anybody any more.
  assert.equal(await buildOf(before), 'first');
  await opens(before, ['/goals/new', '/journal', '/workbench/access']);
  await startsAt(p, '/notes');
  await p.sees('Keller');
  assert.equal(await buildOf(p), 'later');
  await opens(p, ['/places/new', '/settings']);
  await p.context.close();
});
