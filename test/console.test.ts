import { mkdir, readFile } from 'node:fs/promises';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasBrowser, launchBrowser, openPage } from './support/browser.js';
import { House } from './support/house.js';

const photo = new URL('../assets/demo/photo.jpg', import.meta.url);
/** Set to a folder, the test leaves pictures of what it saw there. */
const pictures = process.env.SIGNALBOX_TEST_PICTURES;

describe.skipIf(!hasBrowser)('the console in a real browser', () => {
  let house: House;
  let browser: Browser;
  beforeAll(async () => {
    house = await House.open();
    browser = await launchBrowser();
    if (pictures) await mkdir(pictures, { recursive: true });
  });
  afterAll(async () => {
    await browser?.close();
    await house?.close();
  });

  async function enhance(): Promise<string> {
    const upload = new FormData();
    upload.set('file', new Blob([await readFile(photo)]), 'photo.jpg');
    const asset = (await (await fetch(`${house.url}/assets`, { method: 'POST', body: upload })).json()) as {
      id: string;
    };
    const form = new FormData();
    for (const [name, value] of Object.entries({
      asset_id: asset.id,
      prompt: 'warm evening',
      tier: 'free',
    })) {
      form.set(name, value);
    }
    const answer = await fetch(`${house.url}/jobs`, { method: 'POST', body: form });
    return ((await answer.json()) as { id: string }).id;
  }

  it('shows an empty system, then work that nobody does, then the work being done, by itself', async () => {
    const { page, problems } = await openPage(browser, `${house.url}/admin/dashboard`);
    await page.getByText('No jobs yet').waitFor();

    await enhance();
    const banner = page.getByRole('list', { name: 'Work that nobody does' });
    await banner.waitFor();
    expect(await banner.textContent()).toContain('signalbox start --worker --queues images');
    if (pictures) await page.screenshot({ path: `${pictures}/findings.png` });

    await house.startWorker();
    const row = page.getByRole('row').filter({ hasText: 'images.enhance' });
    await row.filter({ hasText: 'Succeeded' }).waitFor();
    await banner.waitFor({ state: 'detached' });
    expect(await page.getByRole('heading', { level: 1 }).textContent()).not.toBe('');
    if (pictures) await page.screenshot({ path: `${pictures}/done.png` });

    await row.getByRole('link').click();
    const panel = page.getByRole('dialog');
    await panel.getByText('It succeeded in attempt 1.').waitFor();
    if (pictures) await page.screenshot({ path: `${pictures}/panel.png` });
    await page.keyboard.press('Escape');
    await panel.waitFor({ state: 'hidden' });
    expect(problems).toEqual([]);
    await page.close();
  });

  it('cancels and retries a job', async () => {
    const { page } = await openPage(browser, `${house.url}/admin/dashboard`);
    const later = await house.engine.enqueue(
      'test.open',
      { text: 'later' },
      { runAt: new Date(Date.now() + 3_600_000) },
    );
    await page.getByRole('row').filter({ hasText: 'test.open' }).getByRole('link').click();
    await page.getByRole('button', { name: 'Cancel', exact: true }).click();
    await page.getByRole('button', { name: 'Retry', exact: true }).and(page.locator(':enabled')).click();
    for (;;) {
      if ((await house.engine.jobs.get(later.id)).status === 'succeeded') break;
      await page.waitForTimeout(20);
    }
    await page.close();
  });

  it('asks for the key where one is needed, and refuses a wrong one', async () => {
    const key = 'a-key-for-the-browser-test';
    const guarded = await House.open({ SIGNALBOX_API_KEY: key });
    try {
      const { page } = await openPage(browser, `${guarded.url}/admin/dashboard`);
      const field = page.getByLabel('API key');
      await field.fill('a-wrong-key-for-the-test');
      await page.keyboard.press('Enter');
      await page.getByRole('alert').waitFor();
      await field.fill(key);
      await page.keyboard.press('Enter');
      await page.getByText('No jobs yet').waitFor();
      await page.close();
    } finally {
      await guarded.close();
    }
  });
});
