import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../foundation/ids.js';
import { laxParts } from '../../http/strictness.js';
import { fuzzCases, judge } from '../../http/testing/field-fuzz.js';
import { enhanceForm } from './tasks.js';
import { as, ImagesServer } from './testing/images-server.js';
import { landscape } from './testing/pictures.js';

let server: ImagesServer;
let jpeg: Buffer;
let assetId: string;
beforeAll(async () => {
  server = await ImagesServer.start();
  jpeg = await landscape(300, 200, { dark: 40, bright: 210 }).jpeg().toBuffer();
  assetId = await server.upload(jpeg, { filename: 'hills (größer).jpg' });
});
afterAll(async () => server.stop());

const get = (url: string, caller = 'member:ann', headers: Record<string, string> = {}) =>
  server.app.inject({ url, headers: { ...as(caller), ...headers } });

describe('GET /assets', () => {
  it('shows a caller its own, an admin everybody’s, newest first, by pages', async () => {
    const ben = [];
    for (let n = 0; n < 3; n += 1)
      ben.push(await server.upload(jpeg, { caller: 'member:ben', filename: `${n}.jpg` }));
    const first = (await get('/assets?limit=2', 'member:ben')).json();
    expect(first.items.map(({ id }: { id: string }) => id)).toEqual([ben[2], ben[1]]);
    const second = (await get(`/assets?limit=2&cursor=${first.next_cursor}`, 'member:ben')).json();
    expect(second).toMatchObject({ items: [{ id: ben[0], filename: '0.jpg' }], next_cursor: null });
    const all = (await get('/assets', 'viewer:eve')).json();
    expect(all.items).toHaveLength(4);
  });

  it('answers somebody else’s like none', async () => {
    expect((await get(`/assets/${assetId}`)).json()).toMatchObject({ id: assetId, width: 300, height: 200 });
    expect((await get(`/assets/${assetId}`, 'admin:root')).statusCode).toBe(200);
    for (const [id, caller] of [
      [assetId, 'member:ben'],
      [newId(), 'member:ann'],
    ] as const) {
      for (const url of [`/assets/${id}`, `/assets/${id}/file`]) {
        const response = await get(url, caller);
        expect(response.json()).toMatchObject({ status: 404, code: 'asset_not_found' });
      }
    }
  });

  it('gives the original back as it was', async () => {
    const response = await get(`/assets/${assetId}/file`);
    expect(response.statusCode).toBe(200);
    expect(response.rawPayload).toEqual(jpeg);
    expect(response.headers).toMatchObject({
      'content-type': 'image/jpeg',
      'content-length': String(jpeg.length),
      'x-content-type-options': 'nosniff',
      'accept-ranges': 'bytes',
    });
  });
});

describe('GET /jobs/:id/output', () => {
  let jobId: string;
  let whole: Buffer;
  beforeAll(async () => {
    const waiting = await server.enhance({ asset_id: assetId, prompt: 'Test enhancement', tier: 'free' });
    const early = await get(`/jobs/${waiting.id}/output`);
    expect(early.json()).toMatchObject({ status: 409, code: 'output_not_ready' });
    expect(early.json().detail).toContain('queued');
    await server.worker();
    const job = await server.ended(waiting.id);
    expect(job.error).toBeNull();
    jobId = waiting.id;
    whole = (await get(`/jobs/${jobId}/output`)).rawPayload;
  });

  it('is the enhanced image, under a name that tells', async () => {
    const response = await get(`/jobs/${jobId}/output`);
    expect(response.statusCode).toBe(200);
    expect(response.headers).toMatchObject({
      'content-type': 'image/jpeg',
      'content-length': String(whole.length),
      'content-disposition': `inline; filename="hills (groer)-enhanced.jpg"; filename*=UTF-8''hills%20%28gr%C3%B6%C3%9Fer%29-enhanced.jpg`,
      etag: `"${createHash('sha256').update(whole).digest('hex')}"`,
      'x-content-type-options': 'nosniff',
    });
    expect(await sharp(response.rawPayload).metadata()).toMatchObject({
      format: 'jpeg',
      width: 300,
      height: 200,
    });
  });

  it('comes in ranges', async () => {
    const part = await get(`/jobs/${jobId}/output`, 'member:ann', { range: 'bytes=100-199' });
    expect(part.statusCode).toBe(206);
    expect(part.headers).toMatchObject({
      'content-range': `bytes 100-199/${whole.length}`,
      'content-length': '100',
    });
    expect(part.rawPayload).toEqual(whole.subarray(100, 200));
    const tail = await get(`/jobs/${jobId}/output`, 'member:ann', { range: 'bytes=-7' });
    expect(tail.rawPayload).toEqual(whole.subarray(-7));
    const outside = await get(`/jobs/${jobId}/output`, 'member:ann', { range: `bytes=${whole.length}-` });
    expect(outside.statusCode).toBe(416);
    expect(outside.headers['content-range']).toBe(`bytes */${whole.length}`);
    expect(outside.headers['content-type']).toBe('application/problem+json');
  });

  it('comes whole when the caller’s part is of another one, and not at all when it has it', async () => {
    const etag = String((await get(`/jobs/${jobId}/output`)).headers.etag);
    const range = 'bytes=0-9';
    const same = await get(`/jobs/${jobId}/output`, 'member:ann', { range, 'if-range': etag });
    expect(same.statusCode).toBe(206);
    const other = await get(`/jobs/${jobId}/output`, 'member:ann', { range, 'if-range': '"other"' });
    expect(other.statusCode).toBe(200);
    expect(other.rawPayload).toEqual(whole);
    const known = await get(`/jobs/${jobId}/output`, 'member:ann', { 'if-none-match': `"x", W/${etag}` });
    expect(known.statusCode).toBe(304);
    expect(known.rawPayload).toHaveLength(0);
  });

  it('answers HEAD with the same headers and no body', async () => {
    const url = `/jobs/${jobId}/output`;
    const head = await server.app.inject({ method: 'HEAD', url, headers: as('member:ann') });
    expect(head.statusCode).toBe(200);
    expect(head.headers).toMatchObject({
      'content-length': String(whole.length),
      'content-type': 'image/jpeg',
    });
    expect(head.rawPayload).toHaveLength(0);
  });

  it('is nobody else’s, and there is none of other jobs', async () => {
    expect((await get(`/jobs/${jobId}/output`, 'member:ben')).json()).toMatchObject({
      code: 'output_not_found',
    });
    expect((await get(`/jobs/${jobId}/output`, 'operator:olga')).statusCode).toBe(200);
    expect((await get(`/jobs/${newId()}/output`)).json()).toMatchObject({
      status: 404,
      code: 'output_not_found',
    });
  });
});

describe('fields', () => {
  it('are each checked and named', async () => {
    const wrong: string[] = [];
    for (const one of fuzzCases(server.app, as('admin:root'))) {
      if (!/assets|output/.test(one.title)) continue;
      const problem = await judge(server.app, one);
      if (problem !== undefined) wrong.push(`${one.title}: ${problem}`);
    }
    expect(wrong).toEqual([]);
  });

  it('of the form are those of the guide, and strict', () => {
    expect(Object.keys(enhanceForm.schema.shape)).toEqual(['asset_id', 'prompt', 'tier']);
    expect(laxParts(enhanceForm.schema)).toEqual([]);
    const id = newId();
    expect(enhanceForm.schema.parse({ asset_id: id, prompt: 'x' })).toEqual({
      asset_id: id,
      prompt: 'x',
      tier: 'premium',
    });
  });

  it('are described in OpenAPI', () => {
    const document = server.app.swagger() as unknown as { paths: Record<string, Record<string, object>> };
    expect(document.paths['/assets']?.post).toMatchObject({
      requestBody: {
        content: { 'multipart/form-data': { schema: { properties: { file: { format: 'binary' } } } } },
      },
    });
    expect(document.paths['/jobs/{id}/output']?.get).toMatchObject({
      responses: { 200: { content: { 'image/png': {} } }, 409: {} },
    });
  });
});
