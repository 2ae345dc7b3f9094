// Planning in the tab: missions without a grant, on the user's word and when they are due, beside other tabs and a
// server that plans too.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, password, Person } from './lib/person.mjs';
import { Account, app, eventually, sql, tick } from './lib/service.mjs';
import { Traffic } from './lib/traffic.mjs';

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

const headings = async (p) => (await p.proposals().getByRole('heading').allTextContents()).sort();
const dueNow = (account, mission) =>
  account.update('ai', 'aiMissions', mission, { nextRunAt: new Date().toISOString() });

// Somebody with a mission that reads a goal, so that nobody needs a grant for it; at its page.
async function withGoalMission(nick, options) {
  const p = await Person.at(browser, options);
  await p.register(nick);
  await p.addGoal('Dreimal laufen');
  p.mission = await p.addMission('Fit bleiben', { inputs: ['Dreimal laufen'] });
  await p.synced();
  p.account = await Account.signIn(p.name, password, p.url);
  return p;
}

test('without a grant «Jetzt planen» asks, plans in the tab through the service, and proposes', async () => {
  const p = await Person.at(browser);
  const traffic = new Traffic(p.context);
  await p.register('vera');
  await p.addNote('Dachboden', 'Balken prüfen');
  const mission = await p.addMission('Aufräumen', { inputs: ['Dachboden'] });
  await p.synced();
  const account = await Account.signIn(p.name, password);
  const asked = () => traffic.sent.filter((one) => one.includes('/api/v1/me/llm/chat/completions'));

  await p.click('Jetzt planen');
  await p.dialog().getByText('1 Eingabe dieser Mission ist verschlüsselt').waitFor();
  await p.dialog().getByText('Der Text verlässt den Dienst nicht').or(p.dialog().getByText(/^Sprachmodell: /)).waitFor();
  await p.picture('page-run-here');
  await p.click('Abbrechen', p.dialog());
  await p.sees('Nicht ausgeführt.');
  assert.deepEqual(asked(), [], 'nothing was sent before the answer');

  await p.click('Jetzt planen');
  await p.click('Mit verschlüsselten Eingaben', p.dialog());
  await p.sees('Fertig geplant.');
  await p.proposals().filter({ hasText: 'Dachboden' }).first().waitFor();
  const [iteration, ...others] = await eventually('the plan is in the log', async () => {
    const all = await account.iterations(mission);
    return all.length > 0 && all;
  });
  assert.deepEqual(others, []);
  assert.equal(iteration.source, 'browser');
  assert.deepEqual(await headings(p), iteration.plan.map(({ summary }) => summary).sort());
  assert.equal(asked().length, 1);
  // Only the prompt took the note's text out of the browser, and the server opened nothing.
  assert.deepEqual(traffic.holding('Balken prüfen'), asked());
  assert.deepEqual(await account.auditRows(), []);

  await p.proposals().filter({ hasText: 'Dachboden' }).first().getByRole('button', { name: /^Annehmen/ }).click();
  await p.goTo('/tasks');
  await p.page.getByRole('link', { name: /Notiz „Dachboden/ }).waitFor();
  await p.context.close();
});

test('a slot that a tab plans is nobody else’s: not the server’s, not another tab’s', async () => {
  const p = await withGoalMission('wanda', { url: app.tabs });
  const tab = await p.newTab();
  await tab.goTo(`/missions/${p.mission}`);
  await tab.button('Jetzt planen').waitFor();
  let calls = 0;
  let answer;
  const mayAnswer = new Promise((resolve) => (answer = resolve));
  await p.context.route('**/api/v1/me/llm/chat/completions', async (route) => {
    calls++;
    await mayAnswer;
    await route.continue();
  });

  await dueNow(p.account, p.mission);
  await eventually('a tab plans it by itself', () => calls > 0);
  assert.equal((await tick(app.tabs)).plansProduced, 0);
  for (const one of [p, tab]) {
    await one.click('Jetzt planen');
    await one.sees(/Der Lauf hat nicht geklappt: Diese Mission läuft (gerade )?schon/);
    await one.click('Stand aktualisieren');
    await one.sees('Wird gerade in einem Tab geplant.');
  }
  assert.equal(calls, 1);

  answer();
  for (const one of [p, tab]) await one.proposals().first().waitFor();
  const [iteration, ...others] = await eventually('the plan is in the log', async () => {
    const all = await p.account.iterations(p.mission);
    return all.length > 0 && all;
  });
  await eventually('the lease is given back', async () => {
    const mine = (await p.account.runnerView()).missions.find((m) => m.missionId === p.mission);
    return mine.leasedBy === null && Date.parse(mine.nextRunAt) > Date.now();
  });
  assert.equal((await tick(app.tabs)).plansProduced, 0);
  assert.deepEqual(others, []);
  assert.equal(iteration.source, 'browser');
  assert.deepEqual((await p.account.iterations(p.mission)).map(({ id }) => id), [iteration.id]);
  const names = iteration.plan.map(({ summary }) => summary).sort();
  for (const one of [p, tab]) assert.deepEqual(await headings(one), names);
  assert.equal(calls, 1);
  await p.context.close();
});

test('tabs and a server that all want the same slots plan each of them once', async () => {
  const p = await withGoalMission('xenia');
  const missions = [p.mission];
  for (const title of ['Früh', 'Mittag', 'Abend'])
    missions.push(await p.addMission(title, { inputs: ['Dreimal laufen'] }));
  await p.synced();
  const other = await Person.at(browser);
  await other.signIn(p.name);
  await other.page.getByRole('heading', { name: 'Missionen', level: 1 }).waitFor();
  await other.synced();
  const tab = await p.newTab();
  await tab.goTo('/missions');

  await Promise.all(missions.map((mission) => dueNow(p.account, mission)));
  await eventually('all are planned and nobody plans any more', async () => {
    const { missions: all } = await p.account.runnerView();
    const mine = all.filter((m) => missions.includes(m.missionId));
    return mine.every((m) => m.leasedBy === null && Date.parse(m.nextRunAt) > Date.now());
  });
  await tick();
  for (const mission of missions) {
    const all = await p.account.iterations(mission);
    assert.equal(all.length, 1, `iterations, by ${all.map(({ source }) => source)}`);
    const names = all[0].plan.map(({ summary }) => summary).sort();
    assert.ok(names.length > 0);
    for (const one of [p, tab, other]) {
      await one.goTo(`/missions/${mission}`);
      await one.proposals().nth(names.length - 1).waitFor();
      assert.deepEqual(await headings(one), names);
    }
  }
  await p.context.close();
  await other.context.close();
});

test('offline «Jetzt planen» says what to do, and plans once there is a network', async () => {
  const p = await withGoalMission('yara');
  await p.context.setOffline(true);
  await p.click('Jetzt planen');
  await p.page
    .getByRole('alert')
    .getByText('Der Lauf hat nicht geklappt: Der Dienst ist nicht erreichbar. Prüfe deine Verbindung und versuch es')
    .waitFor();
  assert.equal(await p.proposals().count(), 0);
  await p.context.setOffline(false);
  await p.click('Jetzt planen');
  await p.proposals().first().waitFor();
  await p.context.close();
});

test('a budget that is spent and a mission that waits for its user are said in words', async () => {
  const p = await withGoalMission('zoe');
  const limits = (tokens) =>
    sql(`insert into mana_ai.user_limits (user_id, tokens_per_day) values ('${p.account.userId}', ${tokens})
         on conflict (user_id) do update set tokens_per_day = excluded.tokens_per_day`);
  const failure = (words) => p.page.getByRole('alert').getByText(words).waitFor();
  const state = p.page.getByRole('region', { name: 'Nächster Lauf' });
  const serverSays = async (words) => {
    await eventually(`the server says: ${words}`, async () => {
      await p.click('Stand aktualisieren', state);
      return (await state.getByText(words).count()) > 0;
    });
  };

  await p.click('Jetzt planen');
  await p.proposals().first().waitFor();
  for (let left = await p.proposals().count(); left > 0; left--) {
    await p.proposals().first().getByRole('button', { name: /^Annehmen/ }).click();
    await p.proposals().nth(left - 1).waitFor({ state: 'detached' });
  }
  await p.synced();

  limits(1);
  await p.click('Jetzt planen');
  await failure(/Dein Tagesbudget für das Sprachmodell ist verbraucht\. Morgen geht es weiter\. Versuch es in \d+ /);
  await dueNow(p.account, p.mission);
  await serverSays('Dein Token-Budget für heute ist aufgebraucht.');
  await p.click('Jetzt planen');
  await failure('Diese Mission ist angehalten. Entscheide zuerst über die offenen Vorschläge oder warte auf neues Budget.');
  await p.picture('page-run-budget');
  assert.equal((await p.account.iterations(p.mission)).length, 1);

  limits(0);
  await p.proposals().first().waitFor();
  await dueNow(p.account, p.mission);
  await serverSays('Der letzte Plan wartet auf dich.');
  await p.click('Jetzt planen');
  await failure('Diese Mission ist angehalten. Entscheide zuerst über die offenen Vorschläge');
  assert.equal((await p.account.iterations(p.mission)).length, 2);
  await p.context.close();
});
