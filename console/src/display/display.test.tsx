import { render, screen, waitFor } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';
import { Command } from './command.js';
import { Remedy, splitRemedy } from './remedy.js';

const clipboard = (writeText: (text: string) => Promise<void>) =>
  vi.stubGlobal('navigator', { clipboard: { writeText } });

describe('Command', () => {
  it('shows and copies the very same text', async () => {
    const copied: string[] = [];
    clipboard(async (text) => void copied.push(text));
    const text = 'id=$(curl -s /assets)\ncurl /jobs -F "prompt=a  b"';
    const { container } = render(<Command text={text} />);
    expect(container.querySelector('code')?.textContent).toBe(text);
    screen.getByRole('button', { name: 'Copy the command' }).click();
    await screen.findByText('Copied');
    expect(copied).toEqual([text]);
  });

  it('copies by selection where the clipboard is hidden', async () => {
    clipboard(() => Promise.reject(new DOMException('no', 'NotAllowedError')));
    let selected = '';
    document.execCommand = () => {
      selected = document.querySelector('textarea')?.value ?? '';
      return true;
    };
    render(<Command text="signalbox start" />);
    screen.getByRole('button').click();
    await screen.findByText('Copied');
    expect(selected).toBe('signalbox start');
    expect(document.querySelector('textarea')).toBeNull();
  });

  it('says when nothing could be copied, then offers it again', async () => {
    clipboard(() => Promise.reject(new Error('no')));
    document.execCommand = () => {
      throw new Error('no');
    };
    vi.useFakeTimers({ shouldAdvanceTime: true });
    render(<Command text="signalbox start" />);
    screen.getByRole('button').click();
    await screen.findByText('Select and copy it');
    await vi.advanceTimersByTimeAsync(2_100);
    await waitFor(() => expect(screen.getByText('Copy')).toBeTruthy());
  });
});

describe('a remedy', () => {
  it.each([
    ['signalbox start', { text: '', command: 'signalbox start' }],
    ['npx signalbox start', { text: '', command: 'npx signalbox start' }],
    [
      'Once it is gone: signalbox jobs retry 1',
      { text: 'Once it is gone', command: 'signalbox jobs retry 1' },
    ],
    ['Deploy the code.', { text: 'Deploy the code.', command: null }],
    ['To do: think of signalbox', { text: 'To do: think of signalbox', command: null }],
  ])('%s', (remedy, parts) => expect(splitRemedy(remedy)).toEqual(parts));

  it('shows both parts', () => {
    render(<Remedy remedy="Then: signalbox start" />);
    expect(screen.getByText('Then:')).toBeTruthy();
    expect(screen.getByRole('button', { name: 'Copy the command' })).toBeTruthy();
  });
});
