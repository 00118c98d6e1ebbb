import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listen, RawClient } from '../../http/testing/raw-client.js';
import { as, filePart, formHeaders, formOf, ImagesServer, part } from './testing/images-server.js';
import { cameraExif, landscape } from './testing/pictures.js';

let server: ImagesServer;
let jpeg: Buffer;
const maxUploadBytes = 300_000;
const maxPixels = 1_000_000;
beforeAll(async () => {
  server = await ImagesServer.start({ settings: { maxUploadBytes, maxPixels } });
  jpeg = await landscape(300, 200).jpeg().withExif(cameraExif).withMetadata({ orientation: 6 }).toBuffer();
});
afterAll(async () => server.stop());

async function post(payload: Buffer, headers: Record<string, string> = {}) {
  return server.app.inject({
    method: 'POST',
    url: '/assets',
    headers: { ...as('member:ann'), ...formHeaders, ...headers },
    payload,
  });
}

/** Refused as expected, naming the field, and nothing is left; then a good upload still works. */
async function refused(
  response: Awaited<ReturnType<typeof post>>,
  status: number,
  code: string,
  field: string,
) {
  expect(response.json()).toMatchObject({ status, code });
  expect(response.statusCode).toBe(status);
  expect(response.json<{ errors: { field: string }[] }>().errors.map((one) => one.field)).toContain(field);
  expect(await server.files()).toEqual([]);
  expect(await server.assetRows()).toBe(0);
}

/** A PNG whose header claims `width` x `height`; its data is whatever is given. */
function pngClaiming(width: number, height: number, pixels: Buffer): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const typed = Buffer.concat([Buffer.from(type), data]);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(typed));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    return Buffer.concat([length, typed, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 0, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(pixels)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

describe('POST /assets refuses', () => {
  it.each([
    ['no file', () => formOf([]), 422, 'fields_invalid', 'file'],
    ['an empty body', () => Buffer.alloc(0), 422, 'fields_invalid', 'file'],
    ['the wrong field', () => formOf([filePart(jpeg, 'a.jpg', 'image')]), 422, 'fields_invalid', 'image'],
    ['two files', () => formOf([filePart(jpeg), filePart(jpeg)]), 422, 'fields_invalid', 'file'],
    [
      'three files',
      () => formOf([filePart(jpeg), filePart(jpeg), filePart(jpeg)]),
      422,
      'fields_invalid',
      'file',
    ],
    ['a field more', () => formOf([filePart(jpeg), part('name="note"', 'x')]), 422, 'fields_invalid', 'note'],
    [
      'a field before',
      () => formOf([part('name="tier"', 'free'), filePart(jpeg)]),
      422,
      'fields_invalid',
      'tier',
    ],
    ['text instead of a file', () => formOf([part('name="file"', 'x')]), 422, 'fields_invalid', 'file'],
    ['a part without a name', () => formOf([part('filename="a.jpg"', jpeg)]), 422, 'fields_invalid', 'body'],
    [
      'a part named like a member of every object',
      () => formOf([filePart(jpeg, 'a.jpg', '__proto__')]),
      400,
      'body_malformed',
      'file',
    ],
    ['an empty file', () => formOf([filePart('')]), 422, 'asset_empty', 'file'],
    ['an empty name', () => formOf([filePart(jpeg, '')]), 422, 'asset_name_invalid', 'file.filename'],
    [
      'a name with a path',
      () => formOf([filePart(jpeg, '../../etc/passwd')]),
      422,
      'asset_name_invalid',
      'file.filename',
    ],
    [
      'a name with a Windows path',
      () => formOf([filePart(jpeg, '..\\\\..\\\\x.jpg')]),
      422,
      'asset_name_invalid',
      'file.filename',
    ],
    [
      'a name that is a folder',
      () => formOf([filePart(jpeg, '..')]),
      422,
      'asset_name_invalid',
      'file.filename',
    ],
    [
      'a name with an encoded path',
      () => formOf([part('name="file"; filename*=UTF-8\'\'..%2Fx.jpg', jpeg)]),
      422,
      'asset_name_invalid',
      'file.filename',
    ],
    [
      'a name with an encoded NUL',
      () => formOf([part('name="file"; filename*=UTF-8\'\'a%00.jpg', jpeg)]),
      422,
      'asset_name_invalid',
      'file.filename',
    ],
    [
      'a name with a NUL',
      () => formOf([filePart(jpeg, 'a\0.jpg')]),
      422,
      'asset_name_invalid',
      'file.filename',
    ],
    [
      'a name that is not UTF-8',
      () => formOf([part(Buffer.from('name="file"; filename="\xff.jpg"', 'latin1'), jpeg)]),
      422,
      'asset_name_invalid',
      'file.filename',
    ],
    [
      'a name that reverses the text',
      () => formOf([filePart(jpeg, 'a\u202egpj.exe')]),
      422,
      'asset_name_invalid',
      'file.filename',
    ],
    [
      'a name that is too long',
      () => formOf([filePart(jpeg, `${'a'.repeat(256)}`)]),
      422,
      'asset_name_invalid',
      'file.filename',
    ],
    [
      'text called .jpg',
      () => formOf([filePart('this is no image\n'.repeat(50))]),
      415,
      'asset_type_unsupported',
      'file',
    ],
    [
      'a page called .jpg',
      () => formOf([filePart('<html><script>alert(1)</script></html>')]),
      415,
      'asset_type_unsupported',
      'file',
    ],
    [
      'SVG',
      () => formOf([filePart('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>')]),
      415,
      'asset_type_unsupported',
      'file',
    ],
    ['a header alone', () => formOf([filePart(jpeg.subarray(0, 20))]), 422, 'image_corrupt', 'file'],
    [
      'half an image',
      () => formOf([filePart(jpeg.subarray(0, jpeg.length / 2))]),
      422,
      'image_corrupt',
      'file',
    ],
    ['a form without its end', () => formOf([filePart(jpeg)]).subarray(0, -6), 400, 'body_malformed', 'file'],
    [
      'a form that ends within the file',
      () => formOf([filePart(jpeg)]).subarray(0, 3_000),
      400,
      'body_malformed',
      'file',
    ],
    [
      'a form that ends within a header',
      () => formOf([filePart(jpeg)]).subarray(0, 60),
      400,
      'body_malformed',
      'file',
    ],
    ['what is no form', () => Buffer.from('{"file": 1}'), 400, 'body_malformed', 'file'],
    [
      'too large a file',
      () => formOf([filePart(Buffer.alloc(maxUploadBytes + 1, 1))]),
      413,
      'asset_too_large',
      'file',
    ],
    [
      'a bomb that says so',
      () => formOf([filePart(pngClaiming(60_000, 60_000, Buffer.alloc(100)))]),
      413,
      'image_too_many_pixels',
      'file',
    ],
    [
      'a bomb with data',
      () => formOf([filePart(pngClaiming(20_000, 12_000, Buffer.alloc(200_000_000)))]),
      413,
      'image_too_many_pixels',
      'file',
    ],
    [
      'an image that has less than it says',
      () => formOf([filePart(pngClaiming(900, 900, Buffer.alloc(100)))]),
      422,
      'image_corrupt',
      'file',
    ],
  ])('%s', async (_name, payload, status, code, field) => {
    await refused(await post(payload()), status, code, field);
  });

  it('a PNG whose header says less than it has, without decoding the rest', async () => {
    const before = process.memoryUsage().rss;
    const response = await post(formOf([filePart(pngClaiming(10, 10, Buffer.alloc(200_000_000)))]));
    // Ten rows of ten pixels are all that such a file is.
    expect([201, 422]).toContain(response.statusCode);
    expect(process.memoryUsage().rss - before).toBeLessThan(400_000_000);
    await server.db.database.query('delete from signalbox.asset');
    const { rm } = await import('node:fs/promises');
    await rm(`${server.folder}/uploads`, { recursive: true, force: true });
  });

  it.each([
    ['GIF', () => landscape(20, 20).gif(), /GIF/],
    ['an animated WebP', () => animated(), /animated WebP/],
    ['AVIF', () => landscape(32, 32).avif(), /AVIF/],
    ['TIFF', () => landscape(20, 20).tiff(), /TIF/],
  ] as const)('%s, naming what was found and what is taken', async (_name, make, named) => {
    const response = await post(formOf([filePart(await make().toBuffer())]));
    await refused(response, 415, 'asset_type_unsupported', 'file');
    expect(response.json<{ detail: string }>().detail).toMatch(named);
    expect(response.json<{ detail: string }>().detail).toContain('JPEG, PNG and WebP');
  });

  it('HEIC', async () => {
    const heic = Buffer.concat([
      Buffer.from([0, 0, 0, 24]),
      Buffer.from('ftypheic\0\0\0\0heicmif1'),
      Buffer.alloc(500),
    ]);
    const response = await post(formOf([filePart(heic, 'IMG_1.HEIC')]));
    await refused(response, 415, 'asset_type_unsupported', 'file');
    expect(response.json<{ detail: string }>().detail).toContain('HEIC');
  });

  it('a body that is no form', async () => {
    const response = await post(Buffer.from('{}'), { 'content-type': 'application/json' });
    expect(response.statusCode).toBe(415);
    expect((await post(formOf([filePart(jpeg)]), { 'content-type': 'multipart/form-data' })).statusCode).toBe(
      400,
    );
  });

  it('callers who may not write', async () => {
    expect((await post(formOf([filePart(jpeg)]), as('viewer:eve'))).statusCode).toBe(403);
  });
});

function animated() {
  const frame = { create: { width: 20, height: 20, channels: 3 as const, background: '#123456' } };
  const other = { create: { ...frame.create, background: '#fedcba' } };
  return {
    toBuffer: async () =>
      sharp([await sharp(frame).png().toBuffer(), await sharp(other).png().toBuffer()], {
        join: { animated: true },
      })
        .webp()
        .toBuffer(),
  };
}

describe('POST /assets over a connection', () => {
  let port: number;
  beforeAll(async () => {
    port = await listen(server.app);
  });

  it('cuts off 200 MB at the cap, answers, and holds none of it', async () => {
    const before = process.memoryUsage().rss;
    let sent = 0;
    const total = 200_000_000;
    const head = Buffer.concat([
      Buffer.from(`--a-boundary-of-the-test\r\n`),
      filePart(jpeg.subarray(0, 1_000)),
    ]);
    async function* body() {
      yield head;
      while (sent < total) {
        sent += 65_536;
        yield Buffer.alloc(65_536, 7);
      }
    }
    const response = await fetch(`http://127.0.0.1:${port}/assets`, {
      method: 'POST',
      headers: { ...as('member:ann'), ...formHeaders },
      body: ReadableStream.from(body()),
      duplex: 'half',
    } as RequestInit);
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: 'asset_too_large' });
    expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000);
    expect(await server.files()).toEqual([]);
  });

  it('leaves nothing when the caller goes away in the middle', async () => {
    const payload = formOf([filePart(jpeg)]);
    const client = new RawClient(port);
    client.send(
      `POST /assets HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: member:ann\r\nContent-Type: ${formHeaders['content-type']}\r\nContent-Length: ${payload.length}\r\n\r\n`,
    );
    client.send(payload.subarray(0, 4_000));
    while (!(await server.files()).some((file) => file.startsWith('scratch')))
      await new Promise(setImmediate);
    client.destroy();
    await client.closed;
    while ((await server.files()).length > 0) await new Promise(setImmediate);
    expect(await server.assetRows()).toBe(0);
  });
});

describe('POST /assets takes', () => {
  it('an image, and says what it is', async () => {
    const response = await post(formOf([filePart(jpeg, 'Fjord im Mai – größer.JPG')]));
    expect(response.statusCode).toBe(201);
    const asset = response.json();
    expect(asset).toEqual({
      id: expect.any(String),
      filename: 'Fjord im Mai – größer.JPG',
      content_type: 'image/jpeg',
      bytes: jpeg.length,
      width: 200,
      height: 300,
      created_at: expect.any(String),
      links: { self: `/assets/${asset.id}`, file: `/assets/${asset.id}/file` },
    });
    expect(response.headers.location).toBe(`/assets/${asset.id}`);
    expect(await server.files()).toEqual([`uploads/assets/${asset.id}/original.jpg`]);
  });

  it.each([
    ['png', 'image/png'],
    ['webp', 'image/webp'],
  ] as const)('%s, whatever it is called', async (format, contentType) => {
    const bytes = await landscape(30, 20).toFormat(format).toBuffer();
    const response = await post(formOf([filePart(bytes, 'photo.txt')]));
    expect(response.json()).toMatchObject({ content_type: contentType, filename: 'photo.txt' });
  });
});
