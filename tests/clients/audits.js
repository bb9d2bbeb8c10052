// Every audit of GraphQL over HTTP against the server, as JSON: what each expects and what became of it.
import { serverAudits } from 'graphql-http'
import { authorization, http } from './server.js'

const audits = serverAudits({
  url: http,
  fetchFn: (url, options = {}) => fetch(url, { ...options, headers: { ...options.headers, authorization } }),
})
const results = []
for (const audit of audits) {
  const result = await audit.fn()
  results.push({ id: audit.id, name: audit.name, status: result.status, reason: result.reason ?? null })
}
console.log(JSON.stringify(results))
