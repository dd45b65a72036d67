// A technician points a scanner at a part. Hits are remembered for two minutes, misses never, as in ERPNext.
import { pythonError, validationError } from './refusals.ts';
import type { Workshop } from './workshop.ts';

export async function scanBarcode(workshop: Workshop, searchValue: unknown): Promise<Record<string, unknown>> {
  if (searchValue === undefined)
    throw pythonError('TypeError', "scan_barcode() missing 1 required positional argument: 'search_value'");
  if (typeof searchValue !== 'string') throw wrongType(searchValue);
  if (searchValue === '') return {};
  if (workshop.defects.strikes('hide-errors')) return hiddenError;
  const started = performance.now();
  const cached = await workshop.cache.read(searchValue);
  if (cached.is === 'hit') {
    workshop.metrics.scan('hit', (performance.now() - started) / 1000);
    return cached.value as Record<string, unknown>;
  }
  const [found] = await workshop.database.rows(
    `SELECT b.barcode, i.name AS item_code, b.uom, i.has_batch_no, i.has_serial_no
     FROM \`tabItem Barcode\` b JOIN tabItem i ON i.name = b.parent WHERE b.barcode = ?`,
    [searchValue],
  );
  if (found && cached.is === 'miss') await workshop.cache.write(searchValue, found);
  workshop.metrics.scan(cached.is, (performance.now() - started) / 1000);
  return found ?? {};
}

/** What should have been a 500. */
const hiddenError = {
  exc_type: 'OperationalError',
  exception: 'pymysql.err.OperationalError: (2013, Lost connection)',
};

function wrongType(value: unknown): Error {
  const python = { number: Number.isInteger(value) ? 'int' : 'float', boolean: 'bool' } as Record<string, string>;
  const type = Array.isArray(value) ? 'list' : (python[typeof value] ?? (value === null ? 'NoneType' : 'dict'));
  return validationError(`Argument 'search_value' should be of type 'str' but got '${type}' instead.`, {
    excType: 'FrappeTypeError',
  });
}
