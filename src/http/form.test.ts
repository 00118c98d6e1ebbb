import { afterEach, describe, expect, it } from 'vitest';
import type { HttpApp } from './app.js';
import { listen, RawClient } from './testing/raw-client.js';
import { createToyApp } from './testing/toy-app.js';

let app: HttpApp | undefined;
afterEach(async () => app?.close());

type Part = { name?: string; value: string | Buffer; extra?: string; head?: string };

function multipart(parts: readonly Part[], ending = '--b--\r\n'): Buffer {
  const chunks = parts.flatMap(({ name, value, extra = '', head = '' }) => [
    Buffer.from(`--b\r\nContent-Disposition: form-data; name="${name}"${extra}\r\n${head}\r\n`),
    Buffer.from(value),
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...chunks, Buffer.from(ending)]);
}

async function post(payload: Buffer | string, type = 'multipart/form-data; boundary=b') {
  app = await createToyApp();
  return app.inject({ method: 'POST', url: '/forms', headers: { 'content-type': type }, payload });
}

const urlEncoded = (text: string) => post(text, 'application/x-www-form-urlencoded');

describe('multipart forms', () => {
  it('become plain fields', async () => {
    const response = await post(
      multipart([
        { name: 'name', value: 'Grüße' },
        { name: 'note', value: '' },
      ]),
    );
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({ name: 'Grüße', note: '' });
  });

  it.each([
    [
      'a doubled field',
      [
        { name: 'name', value: 'a' },
        { name: 'name', value: 'b' },
      ],
      422,
      'name',
    ],
    [
      'a file in the place of a field',
      [{ name: 'name', value: 'a', extra: '; filename="a.txt"' }],
      422,
      'name',
    ],
    [
      'a file beside the fields',
      [
        { name: 'name', value: 'a' },
        { name: 'photo', value: 'x', extra: '; filename="../../x"' },
      ],
      422,
      'photo',
    ],
    ['NUL', [{ name: 'name', value: 'a\u0000b' }], 422, 'name'],
    ['bytes that are not UTF-8', [{ name: 'name', value: Buffer.from([0x61, 0xff]) }], 400, 'name'],
    [
      'an unknown field',
      [
        { name: 'name', value: 'a' },
        { name: 'shade', value: 'x' },
      ],
      422,
      'shade',
    ],
    ['a missing field', [{ name: 'note', value: 'a' }], 422, 'name'],
    ['a long value', [{ name: 'name', value: 'a'.repeat(21) }], 422, 'name'],
    [
      'a JSON part',
      [{ name: 'name', value: '{"a":1}', head: 'Content-Type: application/json\r\n' }],
      422,
      'name',
    ],
  ] satisfies [string, Part[], number, string][])(
    'with %s are refused by name',
    async (_what, parts, status, field) => {
      const response = await post(multipart(parts));
      expect(response.statusCode).toBe(status);
      expect(response.json().errors.map((error: { field: string }) => error.field)).toContain(field);
    },
  );

  it.each([
    [
      'too many fields',
      multipart(Array.from({ length: 21 }, (_, i) => ({ name: `f${i}`, value: 'x' }))),
      413,
      'form_too_large',
    ],
    [
      'too much text',
      multipart(Array.from({ length: 3 }, (_, i) => ({ name: `f${i}`, value: 'x'.repeat(60_000) }))),
      413,
      'body_too_large',
    ],
    ['no end', multipart([{ name: 'name', value: 'a' }], ''), 400, 'body_malformed'],
    ['nothing but noise', Buffer.from('hello'), 400, 'body_malformed'],
    ['a name of the prototype', multipart([{ name: '__proto__', value: 'a' }]), 400, 'body_malformed'],
  ] as const)('with %s are refused', async (_what, payload, status, code) => {
    const response = await post(payload);
    expect(response.json()).toMatchObject({ status, code });
  });

  it('without a boundary are refused', async () => {
    expect((await post('x', 'multipart/form-data')).json()).toMatchObject({
      status: 400,
      code: 'body_malformed',
    });
  });

  it('that are cut off leave the server well', async () => {
    app = await createToyApp();
    const port = await listen(app);
    const head =
      'POST /forms HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 9999\r\n\r\n';
    const client = new RawClient(port)
      .send(head)
      .send('--b\r\nContent-Disposition: form-data; name="name"\r\n\r\nhal');
    await new Promise((resolve) => app?.server.once('request', resolve));
    client.destroy();
    await client.closed;
    const response = await fetch(`http://127.0.0.1:${port}/health`);
    expect(response.status).toBe(200);
  });
});

describe('url-encoded forms', () => {
  it('become plain fields', async () => {
    expect((await urlEncoded('name=Gr%C3%BC%C3%9Fe+dich&note=')).json()).toEqual({
      name: 'Grüße dich',
      note: '',
    });
  });

  it.each([
    ['name=a&name=b', 422, 'name'],
    ['name=a%00', 422, 'name'],
    ['name=%FF', 400, 'name'],
    ['name=%zz', 400, 'name'],
    ['name=a&x=1', 422, 'x'],
    ['note=a', 422, 'name'],
    ['', 422, 'name'],
  ])('%j is %i and names %s', async (text, status, field) => {
    const response = await urlEncoded(text);
    expect(response.statusCode).toBe(status);
    expect(response.json().errors.map((error: { field: string }) => error.field)).toContain(field);
  });

  it('are refused when they are too large', async () => {
    expect((await urlEncoded(`name=${'a'.repeat(70_000)}`)).json()).toMatchObject({
      status: 413,
      code: 'body_too_large',
    });
    expect(
      (await urlEncoded(Array.from({ length: 30 }, (_, i) => `f${i}=1`).join('&'))).json(),
    ).toMatchObject({ status: 413, code: 'form_too_large' });
  });
});
