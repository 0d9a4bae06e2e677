// Makes one call of each kind with Segment's Node SDK. Arguments: address, write key.
const { Analytics } = require('@segment/analytics-node')

const [host, writeKey] = process.argv.slice(2)
const sdk = new Analytics({ host, writeKey, flushInterval: 50 })
sdk.on('error', (error) => {
  console.error(error)
  process.exitCode = 1
})
sdk.identify({ userId: 'ana', traits: { email: 'ana@example.com', trial: null } })
sdk.group({ userId: 'ana', groupId: 'acme', traits: { seats: 20 } })
sdk.track({ userId: 'ana', event: 'Signed Up', properties: { plan: 'pro' } })
sdk.page({ userId: 'ana', category: 'Docs', name: 'Index', properties: { path: '/docs' } })
sdk.screen({ userId: 'ana', name: 'Inbox' })
sdk.alias({ userId: 'ana', previousId: 'a0' })
sdk.closeAndFlush()
