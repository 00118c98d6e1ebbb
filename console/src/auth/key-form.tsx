import { type FormEvent, useState } from 'react';
import { isSendableKey, readKey, writeKey } from '../api/key.js';
import type { ApiProblem } from '../api/problem.js';
import { Icon } from '../display/icon.js';
import { Logo } from '../display/logo.js';

function complaint(problem: ApiProblem): string | null {
  if (problem.status === 403) return 'This key is valid, but it may not read the overview.';
  return readKey() === null ? null : 'This key was not accepted. Check it and try again.';
}

interface Props {
  problem: ApiProblem;
  /** The kept key is being tried. */
  checking: boolean;
  onKey: () => void;
}

/** Asks for the API key. `onKey` is called once it is kept; only the server knows whether it is right. */
export function KeyForm({ problem, checking, onKey }: Props) {
  const [text, setText] = useState('');
  const [malformed, setMalformed] = useState(false);
  const refusal = checking ? null : complaint(problem);
  const message = malformed ? 'A key has no spaces and no special characters.' : refusal;

  function submit(event: FormEvent) {
    event.preventDefault();
    const key = text.trim();
    setMalformed(!isSendableKey(key));
    if (!isSendableKey(key)) return;
    writeKey(key);
    onKey();
  }

  return (
    <main className="grid min-h-dvh place-items-center p-6">
      <form onSubmit={submit} className="panel grid w-full max-w-sm gap-4 p-6">
        <div className="flex items-center gap-2.5">
          <Logo />
          <h1 className="text-base font-semibold">Signalbox</h1>
        </div>
        <p className="text-muted">
          This server asks for an API key. It stays in this tab and is forgotten when you close it.
        </p>
        <label className="grid gap-1.5">
          <span className="font-medium">API key</span>
          <input
            type="password"
            name="api-key"
            autoComplete="current-password"
            // biome-ignore lint/a11y/noAutofocus: the form is all there is on the page
            autoFocus
            required
            value={text}
            onChange={(event) => setText(event.target.value)}
            aria-invalid={message !== null}
            aria-describedby="key-message"
            className="field"
          />
        </label>
        <p id="key-message" role="alert" className="text-state-failed empty:hidden">
          {message !== null && (
            <span className="inline-flex items-start gap-1.5">
              <span className="pt-0.5">
                <Icon name="cross" />
              </span>
              {message}
            </span>
          )}
        </p>
        <button type="submit" className="button-strong justify-center" disabled={checking}>
          <Icon name={checking ? 'ring' : 'key'} />
          {checking ? 'Checking the key' : 'Open the console'}
        </button>
      </form>
    </main>
  );
}
