// The consent dialog where it cannot end in a grant, and a grant that ends while somebody looks at it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, Person } from './lib/person.mjs';
import { app, sql } from './lib/service.mjs';

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

// Somebody with a mission on one note, at its page.
async function withMission(nick, options) {
  const p = await Person.at(browser, options);
  await p.register(nick);
  await p.addNote('Dachboden', 'Balken prüfen');
  p.mission = await p.addMission('Aufräumen', { inputs: ['Dachboden'] });
  await p.synced();
  return p;
}

const userIdOf = (p) => sql(`select user_id from mana_auth.users where name = '${p.name}'`);

async function isRefused(p, title) {
  await p.openConsent();
  const confirm = p.button('Zugriff erteilen', p.dialog());
  const heading = p.dialog().getByText(title, { exact: true });
  await confirm.or(heading).first().waitFor();
  if ((await heading.count()) === 0) await confirm.click();
  await heading.waitFor();
  await p.click('Abbrechen', p.dialog());
  await p.serverAccess().getByText('nicht erteilt', { exact: true }).waitFor();
}

test('without a key for grants it says so', async () => {
  const p = await withMission('bodo', { url: app.withoutGrants });
  await isRefused(p, 'Dieser Server ist dafür nicht eingerichtet');
  await p.context.close();
});

test('a vault that is gone is named, and what to do', async () => {
  const p = await withMission('clara');
  sql(`delete from mana_auth.encryption_vaults where user_id = '${userIdOf(p)}'`);
  await isRefused(p, 'Es gibt noch keinen Tresor');
  await p.context.close();
});

test('in zero-knowledge mode there is no server access, and the way back is named', async () => {
  const p = await withMission('dora');
  await p.goTo('/settings');
  await p.click('Zero-Knowledge einschalten');
  await p.click('Weiter', p.dialog());
  const code = await p.dialog().locator('output').textContent();
  await p.dialog().getByRole('checkbox').check();
  await p.click('Weiter', p.dialog());
  await p.dialog().getByRole('textbox').fill(code.replace(/-/g, '').slice(-8));
  await p.click('Einschalten', p.dialog());
  await p.sees('nur bei dir (Zero-Knowledge)');
  assert.equal(sql(`select wrapped_mk is null from mana_auth.encryption_vaults where user_id = '${userIdOf(p)}'`), 't');
  await p.goTo(`/missions/${p.mission}`);
  await isRefused(p, 'Zero-Knowledge ist eingeschaltet');

  // A new device needs the code, and a wrong one opens nothing.
  const other = await Person.at(browser);
  await other.signIn(p.name);
  await other.fill(/^Wiederherstellungscode/, code.replace(/^..../, code.startsWith('0000') ? '1111' : '0000'));
  await other.click('Entsperren');
  await other.page.getByRole('alert').or(other.page.locator('[aria-invalid=true]')).first().waitFor();
  await other.fill(/^Wiederherstellungscode/, code.toLowerCase());
  await other.click('Entsperren');
  await other.goTo('/notes');
  await other.sees('Dachboden');
  await other.context.close();
  await p.context.close();
});

test('offline it says that a grant needs the network, and works again with it', async () => {
  const p = await withMission('emil');
  await p.context.setOffline(true);
  await isRefused(p, 'Du bist offline');
  await p.context.setOffline(false);
  await p.synced();
  await p.consent('1 Tag');
  await p.context.close();
});

test('too many grants are named, with the time to come back', async () => {
  const p = await withMission('fritz', { url: app.oneGrant });
  await p.consent();
  await p.openConsent();
  await p.click('Zugriff erteilen', p.dialog());
  await p.dialog().getByText('Zu viele Anfragen', { exact: true }).waitFor();
  await p.context.close();
});

test('anything else is told with its code, nothing is stored, and it can be repeated', async () => {
  const p = await withMission('gerda');
  const broken = (route) =>
    route.fulfill({ status: 418, contentType: 'application/json', body: '{"error":"x","code":"STRANGE"}' });
  await p.context.route('**/ai-mission-grant', broken);
  await p.openConsent();
  await p.click('Zugriff erteilen', p.dialog());
  await p.dialog().getByText(/STRANGE/).waitFor();
  await p.context.unroute('**/ai-mission-grant');
  await p.click('Noch einmal versuchen', p.dialog());
  await p.serverAccess().getByText('aktiv', { exact: true }).waitFor();
  await p.context.close();
});

test('a grant that ends while its page is open shows as ended', async () => {
  const p = await Person.at(browser);
  await p.page.clock.install();
  await p.register('hanna');
  await p.addNote('Dachboden', 'Balken prüfen');
  await p.addMission('Aufräumen', { inputs: ['Dachboden'] });
  await p.consent('1 Stunde');
  await p.page.clock.fastForward('01:00:05');
  await p.serverAccess().getByText('abgelaufen', { exact: true }).waitFor();
  await p.button('Neu erteilen').waitFor();
  await p.context.close();
});

test('inputs that no longer fit the grant are named', async () => {
  const p = await withMission('ida');
  await p.consent();
  await p.addNote('Keller', 'Regal bauen');
  await p.goTo(`/missions/${p.mission}/edit`);
  await p.page.getByRole('checkbox', { name: 'Keller' }).check();
  await p.click('Änderungen speichern');
  await p.sees('Eingaben und Zugriff passen nicht zusammen');
  await p.serverAccess().getByText('Keller').waitFor();
  await p.context.close();
});
