import { readKey } from '../api/key.js';
import { Command } from '../display/command.js';

/** The two requests that make the first job; they need nothing but curl. */
export function firstJobCommand(origin: string, needsKey: boolean): string {
  const curl = needsKey ? 'curl -H "Authorization: Bearer $SIGNALBOX_API_KEY"' : 'curl';
  return [
    `id=$(${curl} -s ${origin}/assets -F file=@photo.jpg | grep -o '"id":"[^"]*' | head -1 | cut -d'"' -f4)`,
    `${curl} ${origin}/jobs -F asset_id=$id -F prompt="warm evening light" -F tier=premium`,
  ].join('\n');
}

export function NoJobs() {
  return (
    <div className="grid gap-3 border-t border-line px-4 py-6">
      <p className="font-medium">No jobs yet</p>
      <p className="text-muted">
        A job is one piece of work, kept in the database until it is done. Send the first one: upload a
        photograph, then ask for an enhancement of it.
      </p>
      <Command text={firstJobCommand(location.origin, readKey() !== null)} what="the commands" />
      <p className="text-muted">It appears here the moment it is accepted.</p>
    </div>
  );
}

export function NoWorkers() {
  return (
    <div className="grid gap-3 border-t border-line px-4 py-6">
      <p className="font-medium">No worker</p>
      <p className="text-muted">A worker is a process that runs jobs. Start one beside this server:</p>
      <Command text="signalbox start --worker" />
      <p className="text-muted">Until then accepted jobs wait; none is lost.</p>
    </div>
  );
}
