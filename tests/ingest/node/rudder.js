// Makes one call of each kind with RudderStack's Node SDK. Arguments: address, write key, "packed" or "plain".
const RudderAnalytics = require('@rudderstack/rudder-sdk-node')

const [dataPlaneUrl, writeKey, packing] = process.argv.slice(2)
const sdk = new RudderAnalytics(writeKey, { dataPlaneUrl, flushInterval: 50, gzip: packing === 'packed' })
sdk.identify({ userId: 'ana', traits: { email: 'ana@example.com', trial: null } })
sdk.group({ userId: 'ana', groupId: 'acme', traits: { seats: 20 } })
sdk.track({ userId: 'ana', event: 'Signed Up', properties: { plan: 'pro' } })
sdk.page({ userId: 'ana', category: 'Docs', name: 'Index', properties: { path: '/docs' } })
sdk.screen({ userId: 'ana', name: 'Inbox' })
sdk.alias({ userId: 'ana', previousId: 'a0' })
sdk.flush().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
