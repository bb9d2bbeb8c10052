// Where the server is, and who asks.
export const http = `http://${process.env.MESGRAPH_ADDRESS}/graphql`
export const ws = `ws://${process.env.MESGRAPH_ADDRESS}/graphql`
export const authorization = `Bearer ${process.env.MESGRAPH_KEY}`
