// Writes generated/operations.ts: a type and a typed document for each operation below operations/.
//   node generate.js [schema.graphql]
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { codegen } from '@graphql-codegen/core'
import * as documents from '@graphql-codegen/typed-document-node'
import * as types from '@graphql-codegen/typescript-operations'
import { buildSchema, parse } from 'graphql'

const here = new URL('./', import.meta.url)
const schema = buildSchema(await readFile(process.argv[2] ?? new URL('../../src/mesgraph/schema.graphql', here), 'utf8'))
const folder = new URL('operations/', here)
const operations = await Promise.all(
  (await readdir(folder)).sort().map(async (location) => ({
    location,
    document: parse(await readFile(new URL(location, folder), 'utf8')),
  })),
)
// Exact numbers, moments and places of the record travel as text; a scalar that is not named here is of unknown type.
const text = { input: 'string', output: 'string' }
const config = {
  scalars: Object.fromEntries(
    ['Cursor', 'DateTime', 'Decimal', 'Duration', 'GLN', 'GTIN', 'SSCC', 'UnitCode'].map((name) => [name, text]),
  ),
  defaultScalarType: 'unknown',
  enumType: 'string-literal',
  nonOptionalTypename: true,
  useTypeImports: true,
}
const written = await codegen({
  schema: undefined,
  schemaAst: schema,
  documents: operations,
  filename: 'operations.ts',
  config,
  plugins: [{ types: {} }, { documents: {} }],
  pluginMap: { types, documents },
})
await mkdir(new URL('generated/', here), { recursive: true })
await writeFile(new URL('generated/operations.ts', here), written)
