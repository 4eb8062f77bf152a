/** Rows of a table as kubectl and helm print it, by column; an empty cell is an empty string. */
export function parseTable(text: string): readonly Readonly<Record<string, string>>[] {
  const [header = "", ...lines] = text.split("\n").filter((line) => line.trim() !== "");
  // Columns are separated by two spaces or a tab; a name may itself hold one space.
  const columns = [...header.matchAll(/\S+(?: \S+)*/g)].map((match) => ({
    name: match[0],
    start: match.index,
  }));
  return lines.map((line) =>
    Object.fromEntries(
      columns.map(({ name, start }, index) => [
        name,
        line.slice(start, columns[index + 1]?.start).trim(),
      ]),
    ),
  );
}
