// Changes that the service refuses: shown with their reason, tried again, and given up.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { violations } from './lib/axe.mjs';
import { launch, password, Person } from './lib/person.mjs';
import { Account } from './lib/service.mjs';

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

const section = (p) => p.page.getByRole('region', { name: /^(Abgelehnte Änderungen|Refused changes)$/ });

// From the count to the page.
async function lookAtRefused(p) {
  await p.page.getByRole('button', { name: 'Abgleich: 1 Änderung abgelehnt' }).click();
  await p.sees('1 Änderung hat der Dienst abgelehnt. Sie bleibt auf diesem Gerät.');
  await p.page.getByRole('link', { name: 'Abgelehnte Änderung ansehen' }).click();
  await p.page.getByRole('heading', { name: 'Abgelehnte Änderungen', level: 1 }).waitFor();
}

test('what the service cannot store is explained, stays refused, and can be given up', async () => {
  const p = await Person.at(browser);
  await p.register('adam');
  await p.goTo('/places/new');
  await p.fill(/^Name/, 'Caf\u0000é am Markt');
  await p.click('Speichern');
  await lookAtRefused(p);
  const card = section(p).getByRole('listitem').filter({ hasText: 'am Markt' });
  for (const words of [
    'Ort, neu angelegt',
    'Im Feld „Name“ steht ein unsichtbares Zeichen',
    'Tippe den Text neu',
    'verwirf die Änderung und leg ihn neu an',
  ])
    await card.getByText(words).waitFor();
  assert.deepEqual(await violations(p.page), []);
  await p.picture('page-refused-light');

  await p.click(/^Noch einmal versuchen: /, card);
  await p.sees('Der Dienst hat die Änderung wieder abgelehnt.');
  await card.waitFor();

  await card.getByRole('link', { name: /am Markt/ }).click();
  await p.page.getByRole('heading', { name: /am Markt/, level: 1 }).waitFor();
  await p.page.getByRole('link', { name: 'Bearbeiten' }).click();
  await p.fill(/^Art/, 'Café');
  await p.click('Speichern');
  await p.page.getByRole('main').getByText('Café', { exact: true }).waitFor();
  await p.goTo('/settings');
  await p.page.getByRole('region', { name: 'Abgleich' }).getByRole('link', { name: 'Abgelehnte Änderung ansehen' }).click();
  await card.getByText('Dahinter wartet 1 weitere Änderung desselben Eintrags.').waitFor();

  await p.click(/^Verwerfen: /, card);
  const question = p.page.getByRole('alertdialog');
  await question.getByText('gibt es nur auf diesem Gerät').waitFor();
  await question.getByText('Auch 1 spätere Änderung daran geht verloren.').waitFor();
  assert.deepEqual(await violations(p.page), []);
  await p.picture('page-refused-discard');
  await p.click('Abbrechen', question);
  await card.waitFor();
  await p.click(/^Verwerfen: /, card);
  await p.click('Verwerfen', question);
  await section(p).getByText('Nichts abgelehnt').waitFor();
  assert.ok(await section(p).evaluate((e) => e.contains(document.activeElement)), 'the focus stays on the page');
  await p.synced();
  await p.goTo('/places');
  await p.sees('Noch keine Orte');
  assert.deepEqual(await (await Account.signIn(p.name, password)).pull('places'), []);
  await p.context.close();
});

test('what is accepted later goes out when it is tried again; in English, dark, on a phone', async () => {
  const p = await Person.at(browser, { colorScheme: 'dark', viewport: { width: 360, height: 740 } });
  await p.register('bea');
  await p.addNote('Garten', 'Rosen schneiden');
  await p.synced();
  const refuse = (route) =>
    route.request().method() === 'POST'
      ? route.fulfill({
          status: 413,
          contentType: 'application/json',
          body: '{"error":"the body is larger than 10 MiB","code":"LIMIT_EXCEEDED"}',
        })
      : route.continue();
  await p.context.route('**/sync/notes*', refuse);
  await p.goTo('/notes');
  await p.page.getByRole('link', { name: 'Garten' }).click();
  await p.page.getByRole('link', { name: 'Bearbeiten' }).click();
  await p.fill(/^Text/, 'Rosen schneiden, Laub harken');
  await p.click('Speichern');
  await lookAtRefused(p);
  await p.goTo('/settings');
  await p.page.getByRole('main').getByText('English', { exact: true }).click();
  await p.page.getByRole('link', { name: 'See the refused change' }).click();
  const card = section(p).getByRole('listitem').filter({ hasText: 'Garten' });
  for (const words of ['Note, changed', 'Changed: Text', 'larger than what the service takes', 'Split the text'])
    await card.getByText(words).first().waitFor();
  assert.deepEqual(await violations(p.page), []);
  const overflow = await p.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `${overflow} px wider than the screen`);
  await p.picture('page-refused-dark-phone');

  await p.context.unroute('**/sync/notes*');
  await p.click('Try again: Garten', card);
  await p.sees('Accepted. The service has the change now.');
  await section(p).getByText('Nothing refused').waitFor();
  assert.deepEqual(
    (await (await Account.signIn(p.name, password)).pull('notes')).map(({ op }) => op),
    ['insert', 'update'],
  );
  await p.context.close();
});
