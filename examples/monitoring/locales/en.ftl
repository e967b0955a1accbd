# Monitoring: the front page, agents and devices.

monitoring-home-title = Know what is on your network
monitoring-home-text = A small agent finds every device, checks each of them twice a minute, and shows at once when one goes quiet.
monitoring-home-do = Start for free
monitoring-home-devices = Go to your devices
monitoring-home-free = Free for one agent and 50 devices. No card needed.
monitoring-home-pricing = See what more costs.
monitoring-home-example = Example of a device list
monitoring-home-example-router = Router
monitoring-home-example-printer = Printer, second floor
monitoring-home-example-camera = Front door camera
monitoring-home-example-files = File server
monitoring-home-account-title = Create an account
monitoring-home-account-text = An address and a password. Your colleagues can join your organization later.
monitoring-home-agent-title = Run the agent
monitoring-home-agent-text = One command on any Linux machine of the network that you want to watch.
monitoring-home-watch-title = See your devices
monitoring-home-watch-text = They appear within a minute, and their state is always up to date.

monitoring-devices = Devices
monitoring-device = Device
monitoring-agents = Agents
monitoring-agent = Agent
monitoring-members = Members
monitoring-state = State
monitoring-state-all = All
monitoring-state-up = Up
monitoring-state-down = Down
monitoring-state-unknown = Not checked yet
monitoring-since = Since
monitoring-last-seen = Last seen
monitoring-never = Not yet
monitoring-filter = Filter by state
monitoring-search = Search devices by name or address
monitoring-search-hint = Name or address
monitoring-search-do = Search
monitoring-devices-empty-title = No devices yet
monitoring-devices-empty-text = An agent on your network finds them for you. Add one: it takes a minute.
monitoring-devices-searching-title = No devices yet
monitoring-devices-searching-text = As soon as an agent is connected, it looks through its network. The first devices appear here by themselves.
monitoring-devices-searching-do = See your agents
monitoring-devices-no-match-title = No device matches
monitoring-devices-no-match-text = Try another name or address, or look at all devices.
monitoring-devices-no-match-do = Show all devices

monitoring-agents-text = An agent runs inside a network, finds its devices and checks them.
monitoring-agents-empty-title = No agents yet
monitoring-agents-empty-text = Add one and run a single command on a machine of the network that you want to watch.
monitoring-usage-agents = { $used } of { $limit } agents in your plan
monitoring-usage-agents-unlimited = { $used ->
    [one] One agent
   *[other] { $used } agents
  }
monitoring-agent-name = Name
monitoring-agent-name-hint = Where it will run, such as “Office Berlin”.
monitoring-agent-add = Add agent
monitoring-agent-add-text = Give it a name. You get the command to run next.
monitoring-agent-add-do = Add agent
monitoring-agent-full = { $limit ->
    [one] Your plan has room for one agent, and you have it. Remove it to add another.
   *[other] Your plan has room for { $limit } agents, and you have them. Remove one to add another.
  }
monitoring-agent-full-do = See your agents
monitoring-agent-full-plans = Compare plans
monitoring-agent-error-name-required = Give the agent a name.
monitoring-agent-error-name-long = This name is too long: use at most 100 characters.
monitoring-agent-waiting = Waiting
monitoring-agent-connected = Connected
monitoring-agent-offline = Offline
monitoring-agent-revoked = Removed
monitoring-agent-revoke = Remove
monitoring-agent-revoke-ask = { $name } stops at once and its key never works again. The devices that it found are removed with it.
monitoring-agent-revoke-do = Remove agent

monitoring-key-title = Run { $name }
monitoring-key-text = Copy this command and run it on a machine inside the network.
monitoring-key-command = Command
monitoring-key-network = Change the last part if your network has another address range.
monitoring-key-from-source = If the agent is not installed, begin with this, in the folder of the source, in place of the first word:
monitoring-key-once = The key in this command is shown only now. If you lose it, make a new one on the agent’s page.
monitoring-key-connection = Connection
monitoring-key-waiting = Waiting for your agent…
monitoring-key-waiting-text = This turns green when it has connected, usually within seconds.
monitoring-key-found = { $count ->
    [0] It is looking for devices.
    [one] One device found so far.
   *[other] { $count } devices found so far.
  }
monitoring-key-devices = See your devices

monitoring-workspace = Workspace
monitoring-workspaces = Workspaces
monitoring-agent-error-workspace = Choose one of the workspaces.
monitoring-agent-error-allowed = Enter at most 32 addresses or networks, such as 203.0.113.7 or 203.0.113.0/24, separated by commas.
monitoring-agent-more = More settings
monitoring-agent-allowed = Allowed addresses
monitoring-agent-allowed-hint = The public addresses or networks that this agent may connect from, separated by commas. Leave it empty to allow all.
monitoring-agent-allowed-anywhere = All
monitoring-agent-allowed-do = Save addresses
monitoring-agent-about = About this agent
monitoring-agent-watches = Watches
monitoring-agent-machine = Machine
monitoring-agent-key = Key
monitoring-agent-key-begins = Begins with
monitoring-agent-key-made = Made
monitoring-agent-key-used = Last used
monitoring-agent-key-text = A machine needs the key only to connect for the first time. Make a new one if you have lost it, or if somebody else may have seen it.
monitoring-agent-key-new = New key
monitoring-agent-key-ask = You get a new command to run. The connected machine goes on with or without it.
monitoring-agent-key-overlap-label = The old key works
monitoring-agent-key-overlap = { $hours ->
    [0] no longer, from now on
    [one] for another hour
    [24] for another day
    [168] for another week
   *[other] for another { $hours } hours
  }
monitoring-agent-key-new-do = Make new key
monitoring-key-again-text = To connect a machine with the new key, copy this command and run it there. A machine that is connected already needs nothing.
monitoring-key-previous = The old key works until

monitoring-notice-agent-offline = Agent “{ $name }” is offline.
monitoring-notice-agent-offline-label = An agent goes offline
monitoring-notice-devices-down = { $down ->
    [one] { $one_down } went down.
   *[other] { $one_down } and others went down, { $down } devices in all.
}
monitoring-notice-devices-down-label = A device goes down
monitoring-notice-limit-near = { $meter ->
    [agents] Agents: { $used } of { $limit } are used.
    [devices] Devices: { $used } of { $limit } are used.
    [seats] People: { $used } of { $limit } are there.
   *[other] Most of what your plan allows is used: { $used } of { $limit }.
  }
monitoring-notice-limit-near-label = Most of a limit is used
monitoring-notice-member-joined = Somebody joined the organization.
monitoring-notice-member-joined-label = Somebody joins the organization

monitoring-scope-watching = Agents and devices
monitoring-scope-device-read = See agents and devices
monitoring-scope-agent-write = Add, change and remove agents
monitoring-scope-file-read = See and download files
monitoring-scope-file-write = Add and delete files
monitoring-scope-webhook-read = See webhooks and what was delivered
monitoring-scope-webhook-write = Add, change and remove webhooks
monitoring-scope-organization = Organization
monitoring-scope-member-read = See who belongs to it
monitoring-scope-workspace-read = See workspaces
monitoring-scope-workspace-write = Add and rename workspaces
monitoring-scope-audit-read = Read the audit log

monitoring-plan-free = Free
monitoring-plan-free-text = For your own network: everything that you need to know what is up.
monitoring-plan-team = Team
monitoring-plan-team-text = For several sites and the people who look after them.
monitoring-plan-business = Business
monitoring-plan-business-text = For many sites and for auditors: the audit log is kept for seven years.
monitoring-feature-custom-roles = Own roles
monitoring-meter-seats = People
monitoring-meter-agents = Agents
monitoring-meter-devices = Devices
monitoring-meter-api-requests = API requests
monitoring-meter-readings = Readings
monitoring-meter-devices-found = New devices found
monitoring-meter-audit-days = Days in the audit log

permission-monitoring-device-read = See agents and devices
permission-monitoring-agent-write = Add and remove agents
permission-monitoring-agent-share = Share agents with members

kind-monitoring-agent = Agent

monitoring-flag-latency = Show how fast each device answers
monitoring-latency = { $milliseconds } ms
monitoring-agent-share = Share this agent

monitoring-start-organization = Name your organization
monitoring-start-organization-text = It holds everything that you and your colleagues share.
monitoring-start-organization-do = Open settings
monitoring-start-plan = Choose a plan
monitoring-start-plan-text = The free plan has no end. A larger one can be tried before it costs anything.
monitoring-start-plan-do = See plans
monitoring-start-agent = Add your first agent
monitoring-start-agent-text = A small program on any machine of your network. You get the command that starts it.
monitoring-start-agent-do = Add agent
monitoring-start-connection = Wait for your agent
monitoring-start-connection-text = Run the command that you were given on a machine of your network. This page notices by itself.
monitoring-start-connection-do = Show agents
monitoring-start-connection-waiting = Waiting for your agent
monitoring-start-devices = See your devices
monitoring-start-devices-text = The agent looks through its network and reports what answers.
monitoring-start-devices-do = Show devices
monitoring-start-devices-waiting = Looking for devices
monitoring-start-team = Invite your team
monitoring-start-team-text = Your colleagues see what you see, and are told when something goes down.
monitoring-start-team-do = Invite people
monitoring-start-explore = Look around
monitoring-start-explore-text = From here on your devices are what you see first.
monitoring-start-explore-do = Show my devices
