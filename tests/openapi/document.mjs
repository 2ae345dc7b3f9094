// The OpenAPI document: which operation a request belongs to, and whether requests and answers are as it says.
import addFormats from 'ajv-formats';
import Ajv2020 from 'ajv/dist/2020.js';

const methods = ['get', 'put', 'post', 'delete', 'patch'];
const escaped = (text) => text.replaceAll('~', '~0').replaceAll('/', '~1');
const isVariable = (segment) => segment.startsWith('{');
const mediaType = (contentType) => (contentType ?? '').split(';')[0].trim().toLowerCase();

export class Document {
  constructor(document) {
    this.document = document;
    // Not strict about words that it does not know: most of the document is no schema.
    this.ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats(this.ajv);
    this.ajv.addSchema(document, 'openapi.json', undefined, false);
    this.operations = Object.entries(document.paths).flatMap(([path, item]) =>
      methods
        .filter((method) => item[method])
        .map((method) => ({
          ...item[method],
          path,
          method: method.toUpperCase(),
          pointer: `/paths/${escaped(path)}/${method}`,
        })),
    );
  }

  operation(id) {
    return this.operations.find((o) => o.operationId === id) ?? this.#none(id);
  }
  #none(id) {
    throw new Error(`the document has no operation ${id}`);
  }

  // Like the service: literal segments before variables; what is left is a file or page of the app.
  find(method, path) {
    const given = path.split('/');
    const fits = (pattern) => {
      const wanted = pattern.split('/');
      const whole = wanted.length === given.length || ['/{path}', '/assets/{file}'].includes(pattern);
      return whole && wanted.every((w, i) => (isVariable(w) ? given[i] !== '' : w === given[i]));
    };
    const variables = (o) => o.path.split('/').filter(isVariable).length;
    return this.operations
      .filter((o) => o.method === method && fits(o.path))
      .sort((a, b) => variables(a) - variables(b) || b.path.length - a.path.length)[0];
  }

  // An object of the document behind its reference, and where it is.
  resolved(object, pointer) {
    if (!object.$ref) return [object, pointer];
    const target = object.$ref.slice(1);
    return [
      target
        .split('/')
        .slice(1)
        .reduce((o, key) => o[key.replaceAll('~1', '/').replaceAll('~0', '~')], this.document),
      target,
    ];
  }

  // What is wrong with a value, in words; empty: nothing.
  errors(pointer, value) {
    const uri = pointer.split('/').map(encodeURIComponent).join('/');
    const validate = this.ajv.getSchema(`openapi.json#${uri}`);
    if (!validate) throw new Error(`no schema at ${pointer}`);
    return validate(value) ? '' : this.ajv.errorsText(validate.errors, { dataVar: '' });
  }

  #text(pointer, schema, text) {
    const [s, at] = this.resolved(schema, pointer);
    return this.errors(at, ['integer', 'number'].includes(s.type) ? Number(text) : text);
  }

  wrongRequestBody(operation, body) {
    if (!operation.requestBody) return body === undefined ? '' : 'the operation takes no body';
    if (body === undefined) return 'the body is missing';
    return this.errors(`${operation.pointer}/requestBody/content/application~1json/schema`, body);
  }

  wrongParameters(operation, url) {
    const known = (operation.parameters ?? []).map((p, i) => this.resolved(p, `${operation.pointer}/parameters/${i}`));
    const path = url.pathname.split('/').map(decodeURIComponent);
    const wrong = [...url.searchParams.keys()]
      .filter((name) => !known.some(([p]) => p.in === 'query' && p.name === name))
      .map((name) => `${name} is no parameter`);
    for (const [p, pointer] of known) {
      const values =
        p.in === 'query'
          ? url.searchParams.getAll(p.name)
          : p.in === 'path'
            ? [path[operation.path.split('/').indexOf(`{${p.name}}`)]]
            : [];
      if (p.required && values.length === 0) wrong.push(`${p.name} is missing`);
      for (const value of values) {
        const error = this.#text(`${pointer}/schema`, p.schema, value);
        if (error) wrong.push(`${p.name}: ${error}`);
      }
    }
    return wrong.join('; ');
  }

  // answer: {status, headers (lower case), text}
  wrongAnswer(operation, { status, headers, text }) {
    const at = `${operation.pointer}/responses/${status}`;
    if (!operation.responses[status]) return `status ${status} is not documented: ${text.slice(0, 200)}`;
    const [response, pointer] = this.resolved(operation.responses[status], at);
    const problems = this.#wrongHeaders(response, pointer, headers);
    if (!response.content) {
      if (text !== '') problems.push(`a body, and none is documented: ${text.slice(0, 200)}`);
      return problems.join('; ');
    }
    const type = mediaType(headers['content-type']);
    const documented = Object.keys(response.content).find((t) => t === type || t === '*/*');
    if (!documented) problems.push(`content type ${type} is not documented`);
    else if (documented === 'application/json') {
      const error = this.errors(`${pointer}/content/application~1json/schema`, JSON.parse(text));
      if (error) problems.push(`${error} in ${text.slice(0, 400)}`);
    }
    return problems.join('; ');
  }

  #wrongHeaders(response, pointer, headers) {
    const problems = [];
    for (const [name, reference] of Object.entries(response.headers ?? {})) {
      const [header, at] = this.resolved(reference, `${pointer}/headers/${escaped(name)}`);
      const value = headers[name.toLowerCase()];
      if (value === undefined) {
        if (header.required) problems.push(`no header ${name}`);
        continue;
      }
      const error = this.#text(`${at}/schema`, header.schema, value);
      if (error) problems.push(`${name}: ${error}`);
    }
    return problems;
  }
}
