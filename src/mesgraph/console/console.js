"use strict";

const STORED = "mesgraph.key";
const WELCOME = `# Ask the plant. Ctrl-Enter runs the operation under the cursor.
# The book icon opens the schema, the folder icon builds a query by clicking.

query Hello {
  __typename
}
`;

// A link may carry the key behind '#': browsers do not send that part to any server. It leaves the address bar
// at once, so that it is not copied with the link, and lives only as long as the tab.
function takeKeyFromLink() {
  const given = new URLSearchParams(window.location.hash.slice(1)).get("key");
  if (given !== null) {
    sessionStorage.setItem(STORED, given);
    history.replaceState(null, "", window.location.pathname + window.location.search);
  }
}

function headersFor(key) {
  return key ? JSON.stringify({ Authorization: `Bearer ${key}` }, null, 2) : "";
}

const endpoint = new URL("graphql", window.location.href);
const live = new URL(endpoint);
live.protocol = endpoint.protocol === "https:" ? "wss:" : "ws:";

// The fetcher also hands the header editor's content to a subscription, as parameters of its connection.
const fetcher = GraphiQL.createFetcher({ url: endpoint.href, subscriptionUrl: live.href });
const explorer = GraphiQLPluginExplorer.explorerPlugin();

function Console() {
  const [headers, setHeaders] = React.useState(headersFor(sessionStorage.getItem(STORED)));
  React.useEffect(() => {
    document.getElementById("access").addEventListener("submit", (event) => {
      event.preventDefault();
      const key = document.getElementById("key").value.trim();
      sessionStorage.setItem(STORED, key);
      setHeaders(headersFor(key));
    });
  }, []);
  // Another key may see another schema, so a new one starts afresh.
  return React.createElement(GraphiQL, {
    key: headers,
    fetcher,
    headers,
    plugins: [explorer],
    defaultQuery: WELCOME,
    defaultEditorToolsVisibility: true,
    isHeadersEditorEnabled: true,
    shouldPersistHeaders: false,
    // Its history keeps headers whatever the line above says; the tab's storage forgets them with the tab.
    storage: sessionStorage,
    inputValueDeprecation: true,
  });
}

takeKeyFromLink();
document.getElementById("key").value = sessionStorage.getItem(STORED) ?? "";
ReactDOM.createRoot(document.getElementById("console")).render(React.createElement(Console));
