// That what checks the service notices what is wrong: an answer, a request, a path of the real document, damaged.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { document } from './client.mjs';

const health = document.operation('getHealth');
const good = {
  status: 200,
  headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' },
  text: '{"ok":true,"service":"mana-ai","version":"1"}',
};
const wrong = (change) => document.wrongAnswer(health, { ...good, ...change });

test('an answer as documented', () => assert.equal(wrong({}), ''));

for (const [what, change, words] of [
  ['a status', { status: 418 }, /418 is not documented/],
  ['a content type', { headers: { ...good.headers, 'content-type': 'text/html' } }, /text\/html is not documented/],
  ['a missing header', { headers: { 'content-type': 'application/json' } }, /no header Cache-Control/],
  ['a wrong header', { headers: { ...good.headers, 'cache-control': 'public' } }, /Cache-Control/],
  ['a missing member', { text: '{"ok":true}' }, /service/],
  ['a further member', { text: '{"ok":true,"service":"mana-ai","secret":1}' }, /additional/],
  ['a wrong type', { text: '{"ok":true,"service":"mana-ai","version":1}' }, /version must be string/],
  ['a code of another status', { status: 413, text: '{"error":"x","code":"BAD_REQUEST"}' }, /code/],
])
  test(`${what} that is not documented`, () => assert.match(wrong(change), words));

test('a body where there is none', () => {
  const answer = { status: 204, headers: { 'cache-control': 'no-store' }, text: '{}' };
  assert.match(document.wrongAnswer(document.operation('setRecoveryWrap'), answer), /a body/);
});

test('requests', () => {
  const release = document.operation('releaseMission');
  assert.equal(document.wrongRequestBody(release, { userId: 'a', missionId: 'b' }), '');
  assert.notEqual(document.wrongRequestBody(release, { userId: 'a' }), '');
  assert.notEqual(document.wrongRequestBody(release, undefined), '');
  assert.notEqual(document.wrongRequestBody(health, {}), '');
  const wrongQuery = (query) =>
    document.wrongParameters(document.operation('listAudit'), new URL(`http://h/x${query}`));
  assert.equal(wrongQuery('?limit=5'), '');
  assert.match(wrongQuery('?limit=five'), /integer/);
  assert.match(wrongQuery('?other=1'), /no parameter/);
});

test('every example of an answer is one', () => {
  for (const operation of document.operations) {
    for (const [status, reference] of Object.entries(operation.responses)) {
      const [response, pointer] = document.resolved(reference, `${operation.pointer}/responses/${status}`);
      const schema = `${pointer}/content/application~1json/schema`;
      for (const { value } of Object.values(response.content?.['application/json']?.examples ?? {}))
        assert.equal(document.errors(schema, value), '', `${operation.operationId} ${status}`);
    }
  }
});

test('paths', () => {
  const found = (path) => document.find('GET', path)?.operationId;
  assert.equal(found('/'), 'getApp');
  assert.equal(found('/missions/4711'), 'getFileOrPage');
  assert.equal(found('/assets/deep/app.js'), 'getAsset');
  assert.equal(found('/internal/quarantine'), 'listQuarantined');
  assert.equal(found('/internal/missions/anna'), 'listMissions');
  assert.equal(found('/openapi.json'), 'getOpenApi');
});
