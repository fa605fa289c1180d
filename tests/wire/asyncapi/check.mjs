// Validates the document named on the command line with AsyncAPI's own parser; exits 1 on any error.
import { readFileSync } from 'node:fs';
import { Parser } from '@asyncapi/parser';

const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], 'utf8'));
for (const found of diagnostics) {
  console.log(['error', 'warning', 'information', 'hint'][found.severity], found.path.join('.'), found.message);
}
const errors = diagnostics.filter((found) => found.severity === 0).length;
if (errors || !document) process.exit(1);
console.log(`valid AsyncAPI ${document.version()}: ${document.channels().length} channels`);
