// One person, several tabs and devices: each step is proposed once, decided once, and edits made offline meet.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, password, Person } from './lib/person.mjs';
import { Account, eventually } from './lib/service.mjs';

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

const tasksInLog = async (account) =>
  new Set((await account.pull('todo')).filter(({ op }) => op === 'insert').map(({ id }) => id));

test('two tabs and two devices propose each step once, and two approvals make one task', async () => {
  const a = await Person.at(browser);
  await a.register('karl');
  await a.addNote('Dachboden', 'Balken prüfen');
  await a.addNote('Keller', 'Regal bauen');
  const mission = await a.addMission('Aufräumen', { inputs: ['Dachboden', 'Keller'] });
  await a.consent();
  const b = await Person.at(browser);
  await b.signIn(a.name);
  const tab = await a.newTab();
  for (const one of [tab, b]) await one.goTo(`/missions/${mission}`);
  await a.click('Jetzt planen');

  const account = await Account.signIn(a.name, password);
  for (const one of [a, tab, b]) await one.proposals().nth(1).waitFor();
  const names = await a.proposals().getByRole('heading').allTextContents();
  assert.equal(new Set(names).size, names.length, 'no step twice');
  for (const one of [tab, b])
    assert.deepEqual((await one.proposals().getByRole('heading').allTextContents()).sort(), [...names].sort());

  const of = (one) => one.proposals().filter({ hasText: 'Dachboden' }).getByRole('button', { name: /^Annehmen/ });
  await Promise.all([a, tab, b].map((one) => of(one).click({ timeout: 5000 }).catch(() => undefined)));
  for (const one of [a, tab, b])
    await one.proposals().filter({ hasText: 'Dachboden' }).first().waitFor({ state: 'detached' });
  for (const one of [a, b]) await one.synced();
  assert.equal((await tasksInLog(account)).size, 1, 'one task, whoever approved it');

  // A decision on one device settles it on the other; feedback is in the record that the next prompt reads.
  await b.proposals().filter({ hasText: 'Keller' }).getByRole('button', { name: /^Ablehnen/ }).click();
  await b.dialog().getByRole('textbox').fill('Keller macht jemand anders');
  await b.click('Ablehnen', b.dialog());
  for (const one of [a, tab, b]) await one.proposals().first().waitFor({ state: 'detached' });
  await b.synced();
  const told = await eventually('the feedback is in the log', async () =>
    JSON.stringify(await account.pull('ai')).includes('Keller macht jemand anders'),
  );
  assert.ok(told);
  await a.context.close();
  await b.context.close();
});

test('edits made offline on two devices meet field by field', async () => {
  const a = await Person.at(browser);
  await a.register('lena');
  await a.addNote('Garten', 'Rosen schneiden');
  await a.synced();
  const b = await Person.at(browser);
  await b.signIn(a.name);
  await b.goTo('/notes');
  await b.page.getByRole('link', { name: 'Garten' }).click();
  const note = b.page.url().split('#')[1].replace(/\/edit$/, '');

  await a.context.setOffline(true);
  await a.page.goto(`${a.url}/#${note}/edit`).catch(() => undefined);
  await a.fill(/^Titel/, 'Garten hinter dem Haus');
  await a.click('Speichern');
  await b.context.setOffline(true);
  await b.page.evaluate((to) => (location.hash = to), `#${note}/edit`);
  await b.fill(/^Text/, 'Rosen schneiden, Laub harken');
  await b.click('Speichern');
  for (const one of [a, b]) await one.context.setOffline(false);
  for (const one of [a, b]) {
    await one.page.evaluate((to) => (location.hash = to), `#${note}`);
    await one.sees('Garten hinter dem Haus');
    await one.sees('Rosen schneiden, Laub harken');
  }
  await a.context.close();
  await b.context.close();
});

test('a note is at the other device within the moment in which it is written', async () => {
  const a = await Person.at(browser);
  await a.register('mia');
  const b = await Person.at(browser);
  await b.signIn(a.name);
  await b.goTo('/notes');
  await b.sees('Noch keine Notizen');
  await a.addNote('Einkauf', 'Brot');
  await b.sees('Einkauf'); // no reload, no press: the service says that there is something
  await a.context.close();
  await b.context.close();
});

test('what was written offline survives a closed tab and goes out later', async () => {
  const a = await Person.at(browser);
  await a.register('nora');
  await a.goTo('/notes/new');
  await a.field(/^Titel/).waitFor();
  await a.context.setOffline(true);
  await a.fill(/^Titel/, 'Im Zug');
  await a.fill(/^Text/, 'Kein Netz');
  await a.click('Speichern');
  await a.sees('Im Zug');
  await a.page.close();
  await a.context.setOffline(false);
  a.page = await a.context.newPage();
  await a.goTo('/notes');
  await a.sees('Im Zug');
  await a.synced();
  const account = await Account.signIn(a.name, password);
  assert.equal((await account.pull('notes')).filter(({ op }) => op === 'insert').length, 1);
  await a.context.close();
});
