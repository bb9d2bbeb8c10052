// Typed operations over HTTP, and topics that survive a cut line.
import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { print } from 'graphql'
import { createClient, type ClientOptions } from 'graphql-ws'

export interface Server {
  /** Such as https://mes.example.org */
  readonly address: string
  /** A key: mg_... */
  readonly key: string
  /** Needed where there is no global WebSocket, as in Node before 22. */
  readonly webSocketImpl?: ClientOptions['webSocketImpl']
}

interface TopLevelError {
  readonly message: string
  readonly extensions?: { readonly code?: string; readonly retryable?: boolean; readonly path?: readonly string[] }
}

/** What no operator can mend. Expected refusals are `userErrors` in the data. */
export class RequestError extends Error {
  constructor(readonly errors: readonly TopLevelError[]) {
    super(errors.map((error) => error.message).join('; '))
  }
  get retryable(): boolean {
    return this.errors.every((error) => error.extensions?.retryable === true)
  }
}

export async function request<Data, Variables>(
  server: Server,
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  const answer = await fetch(`${server.address}/graphql`, {
    method: 'POST',
    headers: {
      accept: 'application/graphql-response+json, application/json;q=0.9',
      authorization: `Bearer ${server.key}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ query: print(document), variables }),
  })
  const { data, errors } = (await answer.json()) as { data?: Data | null; errors?: TopLevelError[] }
  if (errors?.length || data == null) throw new RequestError(errors ?? [{ message: answer.statusText }])
  return data
}

/** Follow a topic; after a cut go on behind the last cursor that was seen. Returns how to stop. */
export function follow<Data, Variables extends { after?: string | null }>(
  server: Server,
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  hear: (data: Data) => string,
  lost: (reason: unknown) => void,
): () => void {
  const place = { ...variables }
  const client = createClient({
    url: `${server.address.replace(/^http/, 'ws')}/graphql`,
    connectionParams: { Authorization: `Bearer ${server.key}` },
    retryAttempts: Infinity,
    shouldRetry: () => true,
    ...(server.webSocketImpl === undefined ? {} : { webSocketImpl: server.webSocketImpl }),
  })
  // the variables are sent anew at each connection, so it is enough to move the place
  const stop = client.subscribe<Data>(
    { query: print(document), variables: place },
    {
      next: ({ data, errors }) => {
        if (errors?.length || data == null) lost(new RequestError(errors ?? []))
        else place.after = hear(data)
      },
      error: lost,
      complete: () => {},
    },
  )
  return () => {
    stop()
    void client.dispose()
  }
}
