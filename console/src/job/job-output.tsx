import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { fetchBlob } from '../api/client.js';

/** A path of this server and nothing else: the API key must not travel to a host that a job's text names. */
export function outputPath(url: unknown): string | null {
  if (typeof url !== 'string' || url === '') return null;
  const absolute = new URL(url, location.href);
  return absolute.origin === location.origin ? absolute.pathname + absolute.search : null;
}

/** The file that the job made; a picture is shown. Fetched with the key, which a plain link could not send. */
export function JobOutput({ path }: { path: string }) {
  const { data, error } = useQuery({
    queryKey: ['output', path],
    queryFn: ({ signal }) => fetchBlob(path, signal),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  const url = useObjectUrl(data);
  return (
    <section aria-labelledby="job-output" className="grid gap-2">
      <div className="flex items-center justify-between gap-3">
        <h3 id="job-output" className="panel-title">
          Output
        </h3>
        {url !== null && (
          <a href={url} download="" className="button-quiet">
            Download
          </a>
        )}
      </div>
      {error !== null && <p className="text-state-failed">The output could not be read: {error.message}</p>}
      {url !== null && data?.type.startsWith('image/') === true && (
        <img
          src={url}
          alt="What the job made"
          className="max-h-80 w-full rounded-lg bg-well object-contain"
        />
      )}
    </section>
  );
}

function useObjectUrl(blob: Blob | undefined): string | null {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    if (blob === undefined) return;
    const made = URL.createObjectURL(blob);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [blob]);
  return url;
}
