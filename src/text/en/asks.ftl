# How to find out what was not asked. Each stands after the name of another possible cause: "It may also be turn-down: ...".

# Names
ask-resolves = look the name up from another network
ask-resolver = look up another name on this host, for example with getent hosts example.org
ask-public-name = look the name up from the internet, and compare its address with the server's

# Reach
ask-send = run callcheck from another host in this network
ask-reach = run callcheck from another network
ask-listens = look on the server whether anything listens on the port, with ss -lntup
ask-source = look on the server from which address its answers leave, with tcpdump -ni any udp port 3478

# TLS
ask-tls = try the TLS port by hand, with openssl s_client -connect HOST:5349
ask-cert-time = look at the certificate's dates, with openssl s_client -connect HOST:5349
ask-cert-name = look at the names in the certificate, with openssl s_client -connect HOST:5349
ask-cert-chain = look at the chain that the server sends, with openssl s_client -connect HOST:5349 -showcerts
ask-cert-lasts = look at the day on which the certificate expires, with openssl s_client -connect HOST:5349
ask-cert-own = compare the certificate with the one that is seen from another network

# STUN and TURN
ask-speaks = look on the server which program listens on the port, with ss -lntup
ask-binding = ask the server as a STUN server, with callcheck stun HOST
ask-turn = ask the server for a relay, with callcheck turn HOST
ask-asks = run callcheck without a login, and see whether the server asks for one
ask-realm = read the realm in the server's settings
ask-one-realm = compare the realms of all servers behind the address
ask-stays = read the server's settings for a redirect

# Login and allocation
ask-stamp-valid = compare the time in the user name with date +%s
ask-well-formed = make the credentials again by the rules, and run callcheck with them
ask-clock = compare date -u on this host and on the server
ask-login = run callcheck with a login that is known to work, with --user and --password-file
ask-grant = run callcheck with a login, with --user and --password-file
ask-steady = run callcheck several times in a row, and see whether the result changes

# The relay
ask-known-public = compare the relayed address with the server's address on the internet
ask-own-address = compare the relayed address with the server's address on the internet
ask-own-port = look on the server from which port the relay sends, and at which it receives, with tcpdump -ni any udp
ask-permits-caller = run callcheck with a login from a network that lets UDP out
ask-permits-itself = run callcheck with a login
ask-channel = run callcheck with a login
ask-in = run callcheck with a login from another network
ask-in-alt = compare the advertised relay address with the server's address on the internet
ask-in-again = run callcheck from another network
ask-in-reaches = look on the server whether the datagrams arrive, with tcpdump -ni any udp
ask-in-stun = run callcheck from another network
ask-out = run callcheck from a host with a public address or behind a NAT that is not symmetric
ask-to-itself = run callcheck turn HOST with a login
ask-ports = try more relay ports, with callcheck ports HOST --samples 256

# Unrelated hosts
ask-stun = name two STUN servers that you know to be up with --control
ask-hears-high-ports = name a STUN server on a port above 10000 with --control, for example stun.l.google.com:19302
ask-dns = ask an outside resolver over UDP, for example with dig @9.9.9.9 example.org
ask-tcp = connect to an unrelated host, for example with nc -vz example.org 443
ask-honest = open an unrelated https page in a browser, and see whether a login page appears
ask-proxy = run callcheck with the proxy of this network in https_proxy
ask-translates = run callcheck from a network with IPv4
ask-high-port = run callcheck from another network
ask-alive = try another port of the host, for example with nc -vz HOST 443

# The NAT of this network
ask-mapping = look at this network's NAT, with callcheck stun and two STUN servers
ask-lasts = measure how long the NAT keeps an idle mapping, with callcheck stun HOST --lifetime
ask-hairpin = look at this network's NAT, with callcheck stun HOST
ask-one-exit = name a STUN server that answers over UDP and TCP with --control
ask-intact = run callcheck from another network, and see whether the answers arrive unaltered
ask-mapped = run callcheck from another network, and compare the address that the server sees
ask-outside = run callcheck from a host outside the server's network

# Quality
ask-clean = run callcheck over another line
ask-calm = run callcheck again at another time of day
ask-size = send full-size packets, with ping -M do -s 1472 HOST
ask-volume = run callcheck turn HOST with a login and --stream 30s
ask-stream = run callcheck turn HOST with a login and --stream 30s

# The same, asked from elsewhere
ask-elsewhere = run callcheck from another network
