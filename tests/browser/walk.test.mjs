// The whole way of one person: from signing in to a plan that was made while no tab was open, and back.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, password, Person } from './lib/person.mjs';
import { Account, eventually, missionsOf, tick } from './lib/service.mjs';
import { Traffic } from './lib/traffic.mjs';

const secretTitle = 'Dachboden Lindenstraße 7';
const secretText = 'Balken hinten links prüfen, vierzehn Kartons sortieren';

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

test('a person grants, closes the tab, reviews, looks at what was read, and revokes', async () => {
  const p = await Person.at(browser);
  const traffic = new Traffic(p.context);
  await p.register('anna');
  await p.picture('01-missions-empty');

  await p.addNote(secretTitle, secretText);
  await p.picture('02-note');
  const mission = await p.addMission('Guten Morgen', { inputs: [secretTitle] });
  await p.serverAccess().getByText('nicht erteilt', { exact: true }).waitFor();
  await p.picture('03-mission-without-grant');

  await p.openConsent();
  for (const words of [secretTitle, 'Notizen: ein Eintrag', '7 Tage', 'Workbench → Datenzugriff', 'zurückziehen'])
    await p.dialog().getByText(words).first().waitFor();
  await p.picture('04-consent');
  await p.click('Abbrechen', p.dialog());
  await p.consent();
  await p.click('Jetzt planen');
  await p.synced();
  await p.picture('05-mission-granted');
  // What is confidential has not left the browser readable, neither title nor text.
  assert.deepEqual(traffic.holding(secretTitle), []);
  assert.deepEqual(traffic.holding(secretText), []);
  assert.ok(traffic.sent.some((one) => one.includes('enc:2:')), 'sealed fields were sent at all');
  await p.page.close();

  const account = await Account.signIn(p.name, password);
  await eventually('the server has planned', async () => {
    const m = (await missionsOf(account.userId)).find(({ id }) => id === mission);
    return m?.notRunningBecause === 'waiting-for-review';
  });
  const read = await account.auditRows();
  assert.deepEqual(
    read.map(({ missionId, tableName, status }) => [missionId, tableName, status]),
    [[mission, 'notes', 'ok']],
  );

  p.page = await p.context.newPage();
  await p.goTo(`/missions/${mission}`);
  await p.proposals().first().waitFor();
  await p.picture('06-proposals');
  const card = p.proposals().filter({ hasText: 'anlegen' }).first();
  await card.getByRole('button', { name: /^Annehmen/ }).click();
  await card.waitFor({ state: 'detached' });

  await p.goTo('/tasks');
  await p.page.getByRole('link', { name: new RegExp(`Notiz „${secretTitle}`) }).click();
  await p.sees(/KI/);
  await p.sees(/ist freigegeben; was darin offen ist/);
  await p.picture('07-task-by-ai');

  await p.goTo('/workbench/timeline');
  await p.sees('Guten Morgen');
  await p.picture('08-timeline');
  await p.goTo('/workbench/access');
  await p.page.getByRole('link', { name: secretTitle }).waitFor();
  await p.page.getByText('ok', { exact: true }).first().waitFor();
  await p.click('Kette prüfen');
  await p.sees('Die Kette stimmt');
  await p.picture('09-access');

  await p.goTo(`/missions/${mission}`);
  await p.click('Zurückziehen');
  await p.serverAccess().getByText('nicht erteilt', { exact: true }).waitFor();
  for (let left = await p.proposals().count(); left > 0; left = await p.proposals().count()) {
    const next = p.proposals().first();
    const name = await next.getByRole('heading').textContent();
    await next.getByRole('button', { name: /^Annehmen/ }).click();
    await p.page.getByRole('heading', { name, level: 3 }).waitFor({ state: 'detached' });
  }
  await p.synced();
  await p.page.close();

  // Due again; no tab is open, so the server plans it.
  await account.update('ai', 'aiMissions', mission, { nextRunAt: new Date().toISOString() });
  await eventually('the next run is done', async () => {
    await tick();
    const log = await account.pull('ai');
    const ids = new Set(log.flatMap(({ fields }) => fields?.iterations?.value ?? []).map(({ id }) => id));
    return ids.size >= 2;
  });
  assert.equal((await account.auditRows()).length, read.length, 'nothing was read after the withdrawal');

  // Nor did the note's text leave the browser at any later time. Its title is in the plan and in what the AI says of
  // its deeds, since the server was allowed to read it; in no record is it readable.
  assert.deepEqual(traffic.holding(secretText), []);
  const rows = (await Promise.all(['notes', 'todo'].map((one) => account.pull(one)))).flat();
  const stored = JSON.stringify(rows.map(({ data, fields }) => [data, fields]));
  assert.ok(stored.includes('enc:2:') && !stored.includes(secretText) && !stored.includes(secretTitle));
  await p.context.close();
});
