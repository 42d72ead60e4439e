// Numbers with units.

/**
 * inUnits(12897485) is "12.3 MiB". The unit changes where the rounded number would need four digits, so 999 B is followed
 * by 1.0 KiB. Python's `byte_size` has the same rule, and its tests have the same table of values.
 *
 * @param {number} bytes
 */
function inUnits(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let unit = 0;
  let value = bytes;
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return unit === 0 ? `${Math.round(value)} B` : `${value.toFixed(1)} ${units[unit]}`;
}

/**
 * inTime(250) is "4 min"; inTime(12.2) is "13 s".
 *
 * @param {number} seconds
 */
function inTime(seconds) {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
