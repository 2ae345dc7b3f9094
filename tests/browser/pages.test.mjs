// Every page for everybody: axe-core, both languages, light and dark, a phone, the keyboard alone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { violations } from './lib/axe.mjs';
import { launch, password, Person } from './lib/person.mjs';
import { Account, eventually, missionsOf } from './lib/service.mjs';

const modules = ['notes', 'tasks', 'calendar', 'journal', 'kontext', 'goals', 'places', 'drinks'];

let browser;
// Somebody whose mission has been planned by the server.
let ready;
before(async () => {
  browser = await launch();
  const p = await Person.at(browser);
  await p.register('olga');
  await p.addNote('Dachboden', 'Balken prüfen');
  p.mission = await p.addMission('Aufräumen', { inputs: ['Dachboden'] });
  await p.consent();
  await p.click('Jetzt planen');
  await p.proposals().first().waitFor();
  ready = p;
});
after(() => browser?.close());

const paths = (mission) => [
  '/missions',
  '/missions/new',
  `/missions/${mission}`,
  `/missions/${mission}/edit`,
  '/workbench/timeline',
  '/workbench/access',
  ...modules.map((m) => `/${m}`),
  ...modules.filter((m) => m !== 'kontext').map((m) => `/${m}/new`),
  '/notes/bin',
  '/settings',
  '/settings/refused',
  '/no-such-page',
];

async function settled(p) {
  await p.page.locator('main h1').first().waitFor();
  await p.page.waitForFunction(() => !document.querySelector('main [aria-busy=true], main .loading'));
}

// A key of a dictionary where its words should be.
const rawKeys = (text) => text.match(/\b(?:common|session|modules|missions|ai|workbench)\.[a-z]\w*(?:\.\w+)*/g) ?? [];

for (const [look, options] of Object.entries({
  'light, German': { colorScheme: 'light' },
  'dark, English, a phone': { colorScheme: 'dark', locale: 'en-GB', viewport: { width: 360, height: 740 } },
})) {
  test(`no page has a barrier that axe-core finds: ${look}`, async () => {
    const p = await Person.at(browser, options);
    const english = options.locale !== undefined;
    await p.goTo('/');
    await p.page.getByRole('heading', { level: 1 }).waitFor();
    assert.deepEqual(await violations(p.page), [], 'sign-in');
    await p.picture(`page-sign-in-${english ? 'dark-phone' : 'light'}`);
    await p.fill(/^Name/, ready.name);
    await p.fill(english ? /^Password/ : /^Passwort/, password, p.page.locator('form'));
    await p.click(english ? 'Sign in' : 'Anmelden', p.page.locator('form'));
    for (const path of paths(ready.mission)) {
      await p.goTo(path);
      await settled(p);
      assert.deepEqual(await violations(p.page), [], path);
      assert.deepEqual(rawKeys(await p.page.locator('body').innerText()), [], path);
      const overflow = await p.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(overflow <= 0, `${path} is ${overflow} px wider than the screen`);
      const name = path.slice(1).replace(ready.mission, 'detail').replaceAll('/', '-');
      await p.picture(`page-${name}-${english ? 'dark-phone' : 'light'}`);
    }
    assert.equal(await p.page.locator('html').getAttribute('lang'), english ? 'en' : 'de');
    await p.context.close();
  });
}

test('the language can be changed and stays', async () => {
  const p = await Person.at(browser);
  await p.goTo('/');
  await p.page.getByText('English').first().click();
  await p.page.getByRole('button', { name: 'Sign in' }).waitFor();
  await p.page.reload();
  await p.page.getByRole('button', { name: 'Sign in' }).waitFor();
  await p.context.close();
});

// -- the keyboard alone ------------------------------------------------------------------------------------------

// Presses Tab until the element with this role and name has the focus.
async function tabTo(p, role, name) {
  const wanted = p.page.getByRole(role, { name }).first();
  await wanted.waitFor();
  for (let presses = 0; presses < 150; presses++) {
    if (await wanted.evaluate((e) => e === document.activeElement)) {
      const ring = await wanted.evaluate((e) => {
        const own = getComputedStyle(e);
        return own.outlineStyle !== 'none' || own.boxShadow !== 'none' || e.matches('input[type=radio], input[type=checkbox]');
      });
      assert.ok(ring, `the focus on «${name}» shows`);
      return;
    }
    await p.page.keyboard.press('Tab');
  }
  assert.fail(`Tab does not lead to ${role} «${name}»`);
}
async function press(p, role, name, key = 'Enter') {
  await tabTo(p, role, name);
  await p.page.keyboard.press(key);
}

test('consent and review work with the keyboard alone', async () => {
  const p = await Person.at(browser);
  await p.register('paul');
  await p.addNote('Keller', 'Regal bauen');
  const mission = await p.addMission('Aufräumen', { inputs: ['Keller'] });
  await p.synced();
  await press(p, 'button', 'Erteilen');
  await p.dialog().waitFor();
  await tabTo(p, 'radio', '7 Tage');
  await p.page.keyboard.press('ArrowLeft');
  assert.ok(await p.page.getByRole('radio', { name: '1 Tag' }).isChecked());
  await press(p, 'button', 'Zugriff erteilen');
  await p.serverAccess().getByText('aktiv', { exact: true }).waitFor();
  await p.dialog().waitFor({ state: 'detached' });
  await p.synced();
  await press(p, 'button', 'Jetzt planen');
  const account = await Account.signIn(p.name, password);
  await eventually('planned', async () =>
    (await missionsOf(account.userId)).some((m) => m.id === mission && m.notRunningBecause === 'waiting-for-review'),
  );
  await p.proposals().first().waitFor();
  const waiting = await p.proposals().count();
  await press(p, 'button', /^Annehmen: /);
  await p.proposals().nth(waiting - 1).waitFor({ state: 'detached' });
  // The card may be gone a moment before the focus has its new place.
  await p.page.waitForFunction(() => document.activeElement !== document.body);
  await p.goTo('/workbench/access');
  await press(p, 'link', 'Keller');
  await p.page.getByRole('heading', { name: 'Keller', level: 1 }).waitFor();
  await p.context.close();
});

test('Escape closes the consent dialog and gives the focus back', async () => {
  const p = ready;
  await p.goTo(`/missions/${p.mission}`);
  await press(p, 'button', 'Neu erteilen');
  await p.dialog().waitFor();
  await p.page.keyboard.press('Escape');
  await p.dialog().waitFor({ state: 'detached' });
  assert.equal(await p.page.evaluate(() => document.activeElement?.textContent?.trim()), 'Neu erteilen');
});

test('deleting for good leaves the focus in the bin', async () => {
  const p = await Person.at(browser);
  await p.register('rosa');
  await p.addNote('Altes', 'Kann weg');
  await p.goTo('/notes');
  await p.page.getByRole('link', { name: 'Altes' }).click();
  await p.click('Löschen');
  await p.page.getByRole('heading', { name: 'Notizen', level: 1 }).waitFor();
  await p.goTo('/notes/bin');
  await p.click('Endgültig löschen');
  await p.click('Endgültig löschen', p.page.getByRole('alertdialog'));
  await p.sees('Der Papierkorb ist leer');
  const bin = p.page.getByRole('region', { name: 'Papierkorb: Notizen' });
  assert.ok(await bin.evaluate((e) => e.contains(document.activeElement)));
  await p.context.close();
});
