import { createHash, randomBytes } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ObjectInfo, ObjectStore } from './object-store.js';

export interface StoreUnderTest {
  readonly store: ObjectStore;
  /** Everything that the store occupies, objects and leftovers: to see that nothing is left behind. */
  leftovers(): Promise<readonly string[]>;
  close(): Promise<void>;
}

const contentType = 'application/octet-stream';

/** What every adapter must do. `make` gives a new, empty store. */
export function objectStoreConformance(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`object store: ${name}`, () => {
    let under: StoreUnderTest;
    let store: ObjectStore;
    beforeEach(async () => {
      under = await make();
      store = under.store;
    });
    afterEach(async () => under.close());

    const put = (key: string, bytes: Uint8Array | string) =>
      store.put(key, Readable.from([Buffer.from(bytes)]), { contentType });
    const read = async (key: string, range?: { first: number; last: number }) => {
      const { stream } = await store.open(key, range);
      return Buffer.concat(await stream.toArray());
    };
    const keys = async (prefix: string) => {
      const found: ObjectInfo[] = [];
      for await (const info of store.list(prefix)) found.push(info);
      return found.map(({ key }) => key).sort();
    };

    it('gives back what it took, with its size and digest', async () => {
      const bytes = randomBytes(300_000);
      const stored = await store.put('a/b.bin', Readable.from([bytes.subarray(0, 7), bytes.subarray(7)]), {
        contentType,
      });
      expect(stored).toEqual({
        key: 'a/b.bin',
        bytes: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
      });
      expect(await read('a/b.bin')).toEqual(bytes);
      expect(await store.head('a/b.bin')).toMatchObject({ key: 'a/b.bin', bytes: bytes.length });
      const opened = await store.open('a/b.bin');
      opened.stream.destroy();
      expect(opened).toMatchObject({ bytes: bytes.length, total: bytes.length });
    });

    it('keeps an empty object', async () => {
      expect(await store.put('empty', Readable.from([]), { contentType })).toMatchObject({ bytes: 0 });
      expect(await read('empty')).toEqual(Buffer.alloc(0));
    });

    it('gives back ranges, and refuses those outside', async () => {
      await put('digits', '0123456789');
      expect(String(await read('digits', { first: 0, last: 0 }))).toBe('0');
      expect(String(await read('digits', { first: 4, last: 9 }))).toBe('456789');
      const opened = await store.open('digits', { first: 2, last: 4 });
      opened.stream.destroy();
      expect(opened).toMatchObject({ bytes: 3, total: 10 });
      for (const [first, last] of [
        [4, 10],
        [10, 10],
        [5, 4],
        [-1, 3],
      ] as const) {
        await expect(store.open('digits', { first, last })).rejects.toMatchObject({
          code: 'object_range_invalid',
        });
      }
    });

    it('replaces an object wholly', async () => {
      await put('key', 'the longer first text');
      await put('key', 'second');
      expect(String(await read('key'))).toBe('second');
    });

    it('knows what is not there', async () => {
      await expect(store.open('no/such')).rejects.toMatchObject({ code: 'object_not_found' });
      expect(await store.head('no/such')).toBeUndefined();
      await store.delete('no/such');
      await put('file', 'x');
      await expect(store.open('file/below')).rejects.toMatchObject({ code: 'object_not_found' });
    });

    it('deletes', async () => {
      await put('a/b', 'x');
      await store.delete('a/b');
      await store.delete('a/b');
      expect(await store.head('a/b')).toBeUndefined();
      expect(await keys('')).toEqual([]);
    });

    it('lists by prefix', async () => {
      for (const key of ['a/1', 'a/2', 'ab/3', 'b/4', 'a/deep/er/5']) await put(key, 'x');
      expect(await keys('a/')).toEqual(['a/1', 'a/2', 'a/deep/er/5']);
      expect(await keys('a')).toEqual(['a/1', 'a/2', 'a/deep/er/5', 'ab/3']);
      expect(await keys('a/d')).toEqual(['a/deep/er/5']);
      expect(await keys('')).toHaveLength(5);
      expect(await keys('zzz/')).toEqual([]);
    });

    it.each([
      '',
      '/a',
      'a/',
      'a//b',
      '..',
      'a/../b',
      'a/..',
      './a',
      '.hidden',
      'a/.hidden',
      'A',
      'a b',
      'a\0b',
      'a\\b',
      'ä',
      'a\n',
      '%2e%2e/a',
      'x'.repeat(201),
      'abc/'.repeat(150),
    ])('refuses the key %j', async (key) => {
      const refused = { code: 'object_key_invalid' };
      await expect(put(key, 'x')).rejects.toMatchObject(refused);
      await expect(store.open(key)).rejects.toMatchObject(refused);
      await expect(store.head(key)).rejects.toMatchObject(refused);
      await expect(store.delete(key)).rejects.toMatchObject(refused);
      expect(await under.leftovers()).toEqual([]);
    });

    it('stops at the size cap, and leaves nothing', async () => {
      let given = 0;
      async function* endless() {
        for (;;) {
          given += 65_536;
          yield Buffer.alloc(65_536);
        }
      }
      await expect(store.put('big', endless(), { contentType, maxBytes: 100_000 })).rejects.toMatchObject({
        code: 'object_too_large',
      });
      expect(given).toBeLessThan(1_000_000);
      expect(await store.head('big')).toBeUndefined();
      expect(await under.leftovers()).toEqual([]);
      await store.put('fits', Readable.from([Buffer.alloc(100_000)]), { contentType, maxBytes: 100_000 });
    });

    it('passes on an error of the source, and keeps what was there before', async () => {
      await put('kept', 'old');
      async function* broken() {
        yield Buffer.from('new');
        throw new RangeError('the source broke');
      }
      await expect(store.put('kept', broken(), { contentType })).rejects.toThrow(RangeError);
      expect(String(await read('kept'))).toBe('old');
      expect(await under.leftovers()).toHaveLength(1);
    });

    it('ends with its signal, even while the source hangs', async () => {
      const controller = new AbortController();
      async function* hanging() {
        yield Buffer.from('first');
        controller.abort(new RangeError('stop'));
        await new Promise(() => undefined);
      }
      const going = store.put('hung', hanging(), { contentType, signal: controller.signal });
      await expect(going).rejects.toThrow('stop');
      expect(await store.head('hung')).toBeUndefined();
      expect(await under.leftovers()).toEqual([]);
      expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
      await expect(
        store.put('late', Readable.from(['x']), { contentType, signal: controller.signal }),
      ).rejects.toThrow('stop');
    });

    it('takes many at once, also to one key', async () => {
      await Promise.all(Array.from({ length: 20 }, (_, n) => put(`many/${n % 5}`, `text ${n}`)));
      expect(await keys('many/')).toHaveLength(5);
      expect(String(await read('many/3'))).toMatch(/^text \d+$/);
      expect(await under.leftovers()).toHaveLength(5);
    });

    it('lets a reader finish while the object is replaced', async () => {
      const bytes = Buffer.alloc(2_000_000, 'a');
      await put('read', bytes);
      const { stream } = await store.open('read');
      const reading = stream.toArray();
      await put('read', 'b');
      expect(Buffer.concat(await reading)).toEqual(bytes);
    });

    it('checks itself and leaves nothing', async () => {
      await store.check();
      expect(await keys('')).toEqual([]);
      expect(await under.leftovers()).toEqual([]);
    });
  });
}
