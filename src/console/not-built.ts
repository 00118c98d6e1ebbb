/** For a person's browser; programs get the problem instead. */
export const notBuiltPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Signalbox: the console has not been built</title>
<h1>The web console has not been built</h1>
<p>The server itself is running. Build the console with</p>
<pre>npm run build</pre>
<p>and reload this page; the server needs no restart.</p>
</html>
`;
