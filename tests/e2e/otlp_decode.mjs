// What a collector was sent, through the code that is generated from OpenTelemetry's own protobuf definitions:
//
//   otlp_decode.mjs <directory of node_modules> <log of otlp_collector.py>
//
// Each body is read as an ExportTraceServiceRequest, written as protobuf, read again, and must be what it was: a field
// with another name or type would be lost or changed on the way. The one rule of OTLP/JSON that protobuf's JSON does not
// have is undone first: ids are hex instead of base64. Prints the number of spans.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const [packages, log] = process.argv.slice(2)
const root = createRequire(`${packages}/`)('@opentelemetry/otlp-transformer/build/src/generated/root.js')
const Request = root.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest

const base64 = (hex) => {
  assert.match(hex, /^([0-9a-f]{16}){1,2}$/)
  return Buffer.from(hex, 'hex').toString('base64')
}

let spans = 0
const withBinaryIds = (span) => {
  ++spans
  for (const id of ['traceId', 'spanId', 'parentSpanId']) if (id in span) span[id] = base64(span[id])
  if (span.attributes.length === 0) delete span.attributes // protobuf knows no empty list
}

for (const line of readFileSync(log, 'utf8').trimEnd().split('\n')) {
  const { body } = JSON.parse(line)
  for (const { scopeSpans } of body.resourceSpans) scopeSpans.flatMap((s) => s.spans).forEach(withBinaryIds)
  const message = Request.decode(Request.encode(Request.fromObject(body)).finish())
  assert.equal(Request.verify(message), null)
  assert.deepEqual(Request.toObject(message, { longs: String, bytes: String, enums: Number }), body)
}
console.log(spans)
