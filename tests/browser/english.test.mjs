// The main pages in English, without a German word; and back to German.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { germanWords, saidBy } from './lib/german.mjs';
import { launch, newName, password, Person } from './lib/person.mjs';
import { Account, eventually } from './lib/service.mjs';

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

test('a walk in English has no German word on its way, and leads back to German', async () => {
  const p = await Person.at(browser, { locale: 'en-GB' });
  const form = p.page.locator('form');
  const zones = Intl.supportedValuesOf('timeZone').flatMap((zone) => [zone, zone.replaceAll('_', ' ')]);
  // What the stand-in plans is German, and no text of the app.
  let planned = [];
  async function isEnglish(where) {
    assert.deepEqual(germanWords(await saidBy(p.page), [...planned, ...zones]), [], where);
    assert.equal(await p.page.locator('html').getAttribute('lang'), 'en', where);
  }

  await p.goTo('/');
  await p.click('No account yet? Create one');
  await isEnglish('sign-in');
  p.name = newName('eve');
  await p.fill(/^Name/, p.name);
  await p.fill(/^Password/, password, form);
  await p.click('Create account', form);
  await p.button('Create vault').waitFor();
  await isEnglish('vault');
  await p.click('Create vault');
  await p.page.getByRole('heading', { name: 'Missions', level: 1 }).waitFor();
  await isEnglish('missions');

  await p.goTo('/notes/new');
  await p.fill(/^Title/, 'Attic');
  await p.fill(/^Text/, 'Check the beams');
  await isEnglish('a note’s form');
  await p.click('Save');
  await p.page.getByRole('heading', { name: 'Attic', level: 1 }).or(p.page.getByRole('link', { name: 'Attic' })).first().waitFor();
  await isEnglish('a note');

  await p.goTo('/missions/new');
  await p.fill(/^Title/, 'Tidy up');
  await p.fill(/^Objective/, 'Help me to leave nothing undone.');
  await p.page.getByRole('checkbox', { name: 'Attic' }).check();
  await isEnglish('a mission’s form');
  await p.click('Create mission');
  await p.page.getByRole('heading', { name: 'Tidy up', level: 1 }).waitFor();
  const mission = p.page.url().split('/').at(-1);
  await isEnglish('a mission');

  const access = p.page.getByRole('region', { name: 'Server access' });
  await p.click('Grant access', access);
  for (const words of ['Grant server access', 'Notes: one entry', '7 days', 'What this means', 'cannot be taken back'])
    await p.dialog().getByText(words).first().waitFor();
  await p.dialog().getByText(/goes to (the language model )?\S+ at /).waitFor();
  await isEnglish('consent');
  await p.picture('english-consent');
  await p.click('Grant access', p.dialog());
  await access.getByText('active', { exact: true }).waitFor();
  await p.page.getByRole('button', { name: 'Sync: Everything synced' }).waitFor();
  await p.click('Plan now');

  const proposals = p.page.getByRole('article').filter({ has: p.page.getByRole('button', { name: /^Approve/ }) });
  await proposals.first().waitFor();
  const account = await Account.signIn(p.name, password);
  const plans = await eventually('the plan is in the log', async () => {
    const all = await account.iterations(mission);
    return all.length > 0 && all;
  });
  planned = plans
    .flatMap(({ summary, plan }) => [
      summary,
      ...plan.flatMap((s) => [s.summary, s.rationale, ...Object.values(s.intent.params)]),
    ])
    .filter((text) => typeof text === 'string' && text !== '')
    .sort((a, b) => b.length - a.length);
  await isEnglish('the inbox');
  await p.picture('english-inbox');
  await proposals.first().getByRole('button', { name: /^Reject/ }).click();
  await p.dialog().waitFor();
  await isEnglish('a rejection');
  await p.click('Cancel', p.dialog());
  await proposals.first().getByRole('button', { name: /^Approve/ }).click();
  await p.page.getByText(/^Approved: /).first().waitFor();
  await isEnglish('what was approved');

  for (const [path, words] of [
    ['/workbench/timeline', 'planned by the server'],
    ['/workbench/access', 'Check the chain'],
    ['/settings', 'What the AI may do'],
  ]) {
    await p.goTo(path);
    await p.page.getByText(words).first().waitFor();
    await isEnglish(path);
  }

  await p.page.getByRole('main').getByText('Deutsch', { exact: true }).click();
  await p.page.getByRole('heading', { name: 'Einstellungen', level: 1 }).waitFor();
  assert.equal(await p.page.locator('html').getAttribute('lang'), 'de');
  await p.page.reload();
  await p.page.getByRole('heading', { name: 'Einstellungen', level: 1 }).waitFor();
  assert.equal(await p.page.locator('html').getAttribute('lang'), 'de');
  // That it finds any, where they are.
  assert.ok(germanWords(await saidBy(p.page)).includes('einstellungen'));
  await p.context.close();
});
