# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_callcheck_global_optspecs
    string join \n timeout= 4/ipv4 6/ipv6 bind= config= ca= control= no-controls format= json report= color= mask-addresses deny= allow= strict v/verbose q/quiet h/help V/version
end

function __fish_callcheck_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_callcheck_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_callcheck_using_subcommand
    set -l cmd (__fish_callcheck_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c callcheck -n "__fish_callcheck_needs_command" -l timeout -d 'The bound on the whole run; what was seen until then is reported [default: 10s, and 5m where every port is tried]' -r
complete -c callcheck -n "__fish_callcheck_needs_command" -l bind -d 'Send from this address or network interface' -r
complete -c callcheck -n "__fish_callcheck_needs_command" -l config -d 'The configuration file [default: ./callcheck.toml, then callcheck/callcheck.toml in the user\'s folder of configurations]' -r -F
complete -c callcheck -n "__fish_callcheck_needs_command" -l ca -d 'Trust the roots in this PEM file beside the system\'s' -r -F
complete -c callcheck -n "__fish_callcheck_needs_command" -l control -d 'A STUN server to compare with, in place of the built-in public ones; repeatable' -r
complete -c callcheck -n "__fish_callcheck_needs_command" -l format -d 'The form of the report' -r -f -a "text\t'For people'
json\t'For programs'"
complete -c callcheck -n "__fish_callcheck_needs_command" -l report -d 'Write the report to a file too; the suffix (.json, .txt) gives the form' -r -F
complete -c callcheck -n "__fish_callcheck_needs_command" -l color -d 'When to use colours; `NO_COLOR` is respected' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c callcheck -n "__fish_callcheck_needs_command" -l deny -d 'Fail on this cause, whatever its level; repeatable' -r
complete -c callcheck -n "__fish_callcheck_needs_command" -l allow -d 'Take this cause as no more than a warning; repeatable' -r
complete -c callcheck -n "__fish_callcheck_needs_command" -s 4 -l ipv4 -d 'IPv4 alone'
complete -c callcheck -n "__fish_callcheck_needs_command" -s 6 -l ipv6 -d 'IPv6 alone'
complete -c callcheck -n "__fish_callcheck_needs_command" -l no-controls -d 'Ask no host but the target: who blocks can then not be told'
complete -c callcheck -n "__fish_callcheck_needs_command" -l json -d 'The same as --format json'
complete -c callcheck -n "__fish_callcheck_needs_command" -l mask-addresses -d 'Replace addresses and host names in the report, the same one by the same one'
complete -c callcheck -n "__fish_callcheck_needs_command" -l strict -d 'Exit with 1 when calls work for some users only, or badly'
complete -c callcheck -n "__fish_callcheck_needs_command" -s v -l verbose -d 'List every observation'
complete -c callcheck -n "__fish_callcheck_needs_command" -s q -l quiet -d 'Say the verdict alone'
complete -c callcheck -n "__fish_callcheck_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c callcheck -n "__fish_callcheck_needs_command" -s V -l version -d 'Print version'
complete -c callcheck -n "__fish_callcheck_needs_command" -f -a "stun" -d 'Ask STUN servers for the own public address, over UDP, TCP and TLS'
complete -c callcheck -n "__fish_callcheck_needs_command" -f -a "turn" -d 'Check a TURN server: login, relay ports, external address, data path'
complete -c callcheck -n "__fish_callcheck_needs_command" -f -a "external-ip" -d 'Check that the address which a TURN server advertises is the one that works'
complete -c callcheck -n "__fish_callcheck_needs_command" -f -a "ports" -d 'Say which ports of a server are open: those it listens on, and its relay range, sampled or port by port'
complete -c callcheck -n "__fish_callcheck_needs_command" -f -a "responder" -d 'Answer on every free port of this host, for a time, so that `ports` elsewhere can say which ones a firewall lets through'
complete -c callcheck -n "__fish_callcheck_needs_command" -f -a "call" -d 'Call through the signaling server, both ends from here or one of them, and say why it fails'
complete -c callcheck -n "__fish_callcheck_needs_command" -f -a "demo" -d 'Run against a server embedded in this program, healthy or broken on purpose'
complete -c callcheck -n "__fish_callcheck_needs_command" -f -a "explain" -d 'Say what a cause means, how it is proved and how to mend it'
complete -c callcheck -n "__fish_callcheck_needs_command" -f -a "replay" -d 'Diagnose a saved report again'
complete -c callcheck -n "__fish_callcheck_needs_command" -f -a "completions" -d 'Print the completion script of a shell'
complete -c callcheck -n "__fish_callcheck_needs_command" -f -a "man" -d 'Print the man page'
complete -c callcheck -n "__fish_callcheck_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c callcheck -n "__fish_callcheck_using_subcommand stun" -l user -d 'The TURN user; with a shared secret, the id that goes into the ephemeral name' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand stun" -l password-file -d 'A file with the password in its first line [env: `CALLCHECK_TURN_PASSWORD` holds the password itself]' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand stun" -l password -d 'The password; visible to everyone on this host in the list of processes' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand stun" -l secret-file -d 'A file with the secret of ephemeral (REST) credentials in its first line [env: `CALLCHECK_TURN_SECRET` holds the secret itself]' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand stun" -l secret -d 'The secret; visible to everyone on this host in the list of processes' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand stun" -l lifetime -d 'Measure how long an idle mapping of the NAT lives, up to this [without a value: 2m]; it takes that long, and --timeout is prolonged by it' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand stun" -l timeout -d 'The bound on the whole run; what was seen until then is reported [default: 10s, and 5m where every port is tried]' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand stun" -l bind -d 'Send from this address or network interface' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand stun" -l config -d 'The configuration file [default: ./callcheck.toml, then callcheck/callcheck.toml in the user\'s folder of configurations]' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand stun" -l ca -d 'Trust the roots in this PEM file beside the system\'s' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand stun" -l control -d 'A STUN server to compare with, in place of the built-in public ones; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand stun" -l format -d 'The form of the report' -r -f -a "text\t'For people'
json\t'For programs'"
complete -c callcheck -n "__fish_callcheck_using_subcommand stun" -l report -d 'Write the report to a file too; the suffix (.json, .txt) gives the form' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand stun" -l color -d 'When to use colours; `NO_COLOR` is respected' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c callcheck -n "__fish_callcheck_using_subcommand stun" -l deny -d 'Fail on this cause, whatever its level; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand stun" -l allow -d 'Take this cause as no more than a warning; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand stun" -s 4 -l ipv4 -d 'IPv4 alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand stun" -s 6 -l ipv6 -d 'IPv6 alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand stun" -l no-controls -d 'Ask no host but the target: who blocks can then not be told'
complete -c callcheck -n "__fish_callcheck_using_subcommand stun" -l json -d 'The same as --format json'
complete -c callcheck -n "__fish_callcheck_using_subcommand stun" -l mask-addresses -d 'Replace addresses and host names in the report, the same one by the same one'
complete -c callcheck -n "__fish_callcheck_using_subcommand stun" -l strict -d 'Exit with 1 when calls work for some users only, or badly'
complete -c callcheck -n "__fish_callcheck_using_subcommand stun" -s v -l verbose -d 'List every observation'
complete -c callcheck -n "__fish_callcheck_using_subcommand stun" -s q -l quiet -d 'Say the verdict alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand stun" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c callcheck -n "__fish_callcheck_using_subcommand turn" -l ice-servers -d 'A browser\'s iceServers as JSON: a file, a URL that is fetched, or - for standard input [env: `CALLCHECK_ICE_SERVERS_TOKEN` holds a bearer token for the URL]' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand turn" -l user -d 'The TURN user; with a shared secret, the id that goes into the ephemeral name' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand turn" -l password-file -d 'A file with the password in its first line [env: `CALLCHECK_TURN_PASSWORD` holds the password itself]' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand turn" -l password -d 'The password; visible to everyone on this host in the list of processes' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand turn" -l secret-file -d 'A file with the secret of ephemeral (REST) credentials in its first line [env: `CALLCHECK_TURN_SECRET` holds the secret itself]' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand turn" -l secret -d 'The secret; visible to everyone on this host in the list of processes' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand turn" -l peer -d 'The other side that the relay is for, a media server for instance: whether the relay may send there is asked (repeatable)' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand turn" -l stream -d 'How long the paced stream through the relay lasts; short and overlapped by default' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand turn" -l timeout -d 'The bound on the whole run; what was seen until then is reported [default: 10s, and 5m where every port is tried]' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand turn" -l bind -d 'Send from this address or network interface' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand turn" -l config -d 'The configuration file [default: ./callcheck.toml, then callcheck/callcheck.toml in the user\'s folder of configurations]' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand turn" -l ca -d 'Trust the roots in this PEM file beside the system\'s' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand turn" -l control -d 'A STUN server to compare with, in place of the built-in public ones; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand turn" -l format -d 'The form of the report' -r -f -a "text\t'For people'
json\t'For programs'"
complete -c callcheck -n "__fish_callcheck_using_subcommand turn" -l report -d 'Write the report to a file too; the suffix (.json, .txt) gives the form' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand turn" -l color -d 'When to use colours; `NO_COLOR` is respected' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c callcheck -n "__fish_callcheck_using_subcommand turn" -l deny -d 'Fail on this cause, whatever its level; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand turn" -l allow -d 'Take this cause as no more than a warning; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand turn" -s 4 -l ipv4 -d 'IPv4 alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand turn" -s 6 -l ipv6 -d 'IPv6 alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand turn" -l no-controls -d 'Ask no host but the target: who blocks can then not be told'
complete -c callcheck -n "__fish_callcheck_using_subcommand turn" -l json -d 'The same as --format json'
complete -c callcheck -n "__fish_callcheck_using_subcommand turn" -l mask-addresses -d 'Replace addresses and host names in the report, the same one by the same one'
complete -c callcheck -n "__fish_callcheck_using_subcommand turn" -l strict -d 'Exit with 1 when calls work for some users only, or badly'
complete -c callcheck -n "__fish_callcheck_using_subcommand turn" -s v -l verbose -d 'List every observation'
complete -c callcheck -n "__fish_callcheck_using_subcommand turn" -s q -l quiet -d 'Say the verdict alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand turn" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c callcheck -n "__fish_callcheck_using_subcommand external-ip" -l ice-servers -d 'A browser\'s iceServers as JSON: a file, a URL that is fetched, or - for standard input [env: `CALLCHECK_ICE_SERVERS_TOKEN` holds a bearer token for the URL]' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand external-ip" -l user -d 'The TURN user; with a shared secret, the id that goes into the ephemeral name' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand external-ip" -l password-file -d 'A file with the password in its first line [env: `CALLCHECK_TURN_PASSWORD` holds the password itself]' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand external-ip" -l password -d 'The password; visible to everyone on this host in the list of processes' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand external-ip" -l secret-file -d 'A file with the secret of ephemeral (REST) credentials in its first line [env: `CALLCHECK_TURN_SECRET` holds the secret itself]' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand external-ip" -l secret -d 'The secret; visible to everyone on this host in the list of processes' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand external-ip" -l peer -d 'The other side that the relay is for, a media server for instance: whether the relay may send there is asked (repeatable)' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand external-ip" -l stream -d 'How long the paced stream through the relay lasts; short and overlapped by default' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand external-ip" -l timeout -d 'The bound on the whole run; what was seen until then is reported [default: 10s, and 5m where every port is tried]' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand external-ip" -l bind -d 'Send from this address or network interface' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand external-ip" -l config -d 'The configuration file [default: ./callcheck.toml, then callcheck/callcheck.toml in the user\'s folder of configurations]' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand external-ip" -l ca -d 'Trust the roots in this PEM file beside the system\'s' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand external-ip" -l control -d 'A STUN server to compare with, in place of the built-in public ones; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand external-ip" -l format -d 'The form of the report' -r -f -a "text\t'For people'
json\t'For programs'"
complete -c callcheck -n "__fish_callcheck_using_subcommand external-ip" -l report -d 'Write the report to a file too; the suffix (.json, .txt) gives the form' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand external-ip" -l color -d 'When to use colours; `NO_COLOR` is respected' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c callcheck -n "__fish_callcheck_using_subcommand external-ip" -l deny -d 'Fail on this cause, whatever its level; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand external-ip" -l allow -d 'Take this cause as no more than a warning; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand external-ip" -s 4 -l ipv4 -d 'IPv4 alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand external-ip" -s 6 -l ipv6 -d 'IPv6 alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand external-ip" -l no-controls -d 'Ask no host but the target: who blocks can then not be told'
complete -c callcheck -n "__fish_callcheck_using_subcommand external-ip" -l json -d 'The same as --format json'
complete -c callcheck -n "__fish_callcheck_using_subcommand external-ip" -l mask-addresses -d 'Replace addresses and host names in the report, the same one by the same one'
complete -c callcheck -n "__fish_callcheck_using_subcommand external-ip" -l strict -d 'Exit with 1 when calls work for some users only, or badly'
complete -c callcheck -n "__fish_callcheck_using_subcommand external-ip" -s v -l verbose -d 'List every observation'
complete -c callcheck -n "__fish_callcheck_using_subcommand external-ip" -s q -l quiet -d 'Say the verdict alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand external-ip" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c callcheck -n "__fish_callcheck_using_subcommand ports" -l user -d 'The TURN user; with a shared secret, the id that goes into the ephemeral name' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand ports" -l password-file -d 'A file with the password in its first line [env: `CALLCHECK_TURN_PASSWORD` holds the password itself]' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand ports" -l password -d 'The password; visible to everyone on this host in the list of processes' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand ports" -l secret-file -d 'A file with the secret of ephemeral (REST) credentials in its first line [env: `CALLCHECK_TURN_SECRET` holds the secret itself]' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand ports" -l secret -d 'The secret; visible to everyone on this host in the list of processes' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand ports" -l samples -d 'How many ports of the relay are sampled' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand ports" -l rate -d 'No more than so many ports a second' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand ports" -l range -d 'The ports that are judged [default: all that the server gives out; 49152-65535 against a responder and without a login]' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand ports" -l responder -d 'Sweep every UDP port of the range against `callcheck responder`, which runs on the server\'s host and listens there' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand ports" -l token-file -d 'A file with the responder\'s token in its first line' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand ports" -l timeout -d 'The bound on the whole run; what was seen until then is reported [default: 10s, and 5m where every port is tried]' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand ports" -l bind -d 'Send from this address or network interface' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand ports" -l config -d 'The configuration file [default: ./callcheck.toml, then callcheck/callcheck.toml in the user\'s folder of configurations]' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand ports" -l ca -d 'Trust the roots in this PEM file beside the system\'s' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand ports" -l control -d 'A STUN server to compare with, in place of the built-in public ones; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand ports" -l format -d 'The form of the report' -r -f -a "text\t'For people'
json\t'For programs'"
complete -c callcheck -n "__fish_callcheck_using_subcommand ports" -l report -d 'Write the report to a file too; the suffix (.json, .txt) gives the form' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand ports" -l color -d 'When to use colours; `NO_COLOR` is respected' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c callcheck -n "__fish_callcheck_using_subcommand ports" -l deny -d 'Fail on this cause, whatever its level; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand ports" -l allow -d 'Take this cause as no more than a warning; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand ports" -l all -d 'Try every port of the relay, one by one: for one\'s own server, which is kept busy meanwhile'
complete -c callcheck -n "__fish_callcheck_using_subcommand ports" -l tcp -d 'Sweep the TCP ports against the responder, too'
complete -c callcheck -n "__fish_callcheck_using_subcommand ports" -s 4 -l ipv4 -d 'IPv4 alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand ports" -s 6 -l ipv6 -d 'IPv6 alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand ports" -l no-controls -d 'Ask no host but the target: who blocks can then not be told'
complete -c callcheck -n "__fish_callcheck_using_subcommand ports" -l json -d 'The same as --format json'
complete -c callcheck -n "__fish_callcheck_using_subcommand ports" -l mask-addresses -d 'Replace addresses and host names in the report, the same one by the same one'
complete -c callcheck -n "__fish_callcheck_using_subcommand ports" -l strict -d 'Exit with 1 when calls work for some users only, or badly'
complete -c callcheck -n "__fish_callcheck_using_subcommand ports" -s v -l verbose -d 'List every observation'
complete -c callcheck -n "__fish_callcheck_using_subcommand ports" -s q -l quiet -d 'Say the verdict alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand ports" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c callcheck -n "__fish_callcheck_using_subcommand responder" -l listen -d 'The address to answer at, and the port of the control exchange, which need not lie in the range; `[::]` is IPv4 and IPv6' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand responder" -l range -d 'The ports to answer at, where no other program has them [default: 49152-65535]' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand responder" -l token-file -d 'A file with a token of 16 characters or more in its first line; those who have it are answered, and nobody else' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand responder" -l for -d 'How long to go on' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand responder" -l timeout -d 'The bound on the whole run; what was seen until then is reported [default: 10s, and 5m where every port is tried]' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand responder" -l bind -d 'Send from this address or network interface' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand responder" -l config -d 'The configuration file [default: ./callcheck.toml, then callcheck/callcheck.toml in the user\'s folder of configurations]' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand responder" -l ca -d 'Trust the roots in this PEM file beside the system\'s' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand responder" -l control -d 'A STUN server to compare with, in place of the built-in public ones; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand responder" -l format -d 'The form of the report' -r -f -a "text\t'For people'
json\t'For programs'"
complete -c callcheck -n "__fish_callcheck_using_subcommand responder" -l report -d 'Write the report to a file too; the suffix (.json, .txt) gives the form' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand responder" -l color -d 'When to use colours; `NO_COLOR` is respected' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c callcheck -n "__fish_callcheck_using_subcommand responder" -l deny -d 'Fail on this cause, whatever its level; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand responder" -l allow -d 'Take this cause as no more than a warning; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand responder" -s 4 -l ipv4 -d 'IPv4 alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand responder" -s 6 -l ipv6 -d 'IPv6 alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand responder" -l no-controls -d 'Ask no host but the target: who blocks can then not be told'
complete -c callcheck -n "__fish_callcheck_using_subcommand responder" -l json -d 'The same as --format json'
complete -c callcheck -n "__fish_callcheck_using_subcommand responder" -l mask-addresses -d 'Replace addresses and host names in the report, the same one by the same one'
complete -c callcheck -n "__fish_callcheck_using_subcommand responder" -l strict -d 'Exit with 1 when calls work for some users only, or badly'
complete -c callcheck -n "__fish_callcheck_using_subcommand responder" -s v -l verbose -d 'List every observation'
complete -c callcheck -n "__fish_callcheck_using_subcommand responder" -s q -l quiet -d 'Say the verdict alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand responder" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l signaling -d 'The signaling server (Socket.IO 4)' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l chat-id -d 'The one-to-one chat of the two accounts' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l caller-token-file -d 'A file with the caller\'s token in its first line [env: `CALLCHECK_CALLER_TOKEN` holds the token itself]' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l callee-token-file -d 'A file with the callee\'s token in its first line [env: `CALLCHECK_CALLEE_TOKEN` holds the token itself]' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l role -d 'Run one end here alone; the other one is a callcheck elsewhere, a browser or the application' -r -f -a "caller\t'It makes the offer'
callee\t'It waits for one and answers'"
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l policy -d 'The policy of both ends, as `iceTransportPolicy`; without it a call from one process is tried with either' -r -f -a "all\t'All candidates'
relay\t'Relay candidates alone'"
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l path -d 'Use this way alone' -r -f -a "host\t'Addresses of the hosts themselves'
srflx\t'Addresses as a STUN server sees them'
relay-udp\t'The relay, reached over UDP'
relay-tcp\t'The relay, reached over TCP'
relay-tls\t'The relay, reached over TLS'"
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l duration -d 'How long media flows once both ends are connected [default: 2s]' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l wait -d 'How long a callee waits to be called; --timeout counts from the offer' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l signaling-path -d 'The path of the signaling server\'s Engine.IO endpoint [default: /socket.io/]' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l namespace -d 'The namespace [default: /]' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l transports -d 'The transports of Socket.IO [default: both]' -r -f -a "both\t'Polling first, then an upgrade to WebSocket, as browsers do'
websocket\t'WebSocket alone'
polling\t'Polling alone'"
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l origin -d 'The origin of the application\'s page, to test what the signaling server allows it' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l turn -d 'A TURN or STUN server, where there is no list of them' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l ice-servers -d 'A browser\'s iceServers as JSON: a file, a URL that is fetched, or - for standard input' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l user -d 'The TURN user; with a shared secret, the id that goes into the ephemeral name' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l password-file -d 'A file with the password in its first line [env: `CALLCHECK_TURN_PASSWORD` holds the password itself]' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l password -d 'The password; visible to everyone on this host in the list of processes' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l secret-file -d 'A file with the secret of ephemeral (REST) credentials in its first line [env: `CALLCHECK_TURN_SECRET` holds the secret itself]' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l secret -d 'The secret; visible to everyone on this host in the list of processes' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l timeout -d 'The bound on the whole run; what was seen until then is reported [default: 10s, and 5m where every port is tried]' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l bind -d 'Send from this address or network interface' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l config -d 'The configuration file [default: ./callcheck.toml, then callcheck/callcheck.toml in the user\'s folder of configurations]' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l ca -d 'Trust the roots in this PEM file beside the system\'s' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l control -d 'A STUN server to compare with, in place of the built-in public ones; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l format -d 'The form of the report' -r -f -a "text\t'For people'
json\t'For programs'"
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l report -d 'Write the report to a file too; the suffix (.json, .txt) gives the form' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l color -d 'When to use colours; `NO_COLOR` is respected' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l deny -d 'Fail on this cause, whatever its level; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l allow -d 'Take this cause as no more than a warning; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l paths -d 'Try every way by itself and print which ones work'
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -s 4 -l ipv4 -d 'IPv4 alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -s 6 -l ipv6 -d 'IPv6 alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l no-controls -d 'Ask no host but the target: who blocks can then not be told'
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l json -d 'The same as --format json'
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l mask-addresses -d 'Replace addresses and host names in the report, the same one by the same one'
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -l strict -d 'Exit with 1 when calls work for some users only, or badly'
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -s v -l verbose -d 'List every observation'
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -s q -l quiet -d 'Say the verdict alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand call" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c callcheck -n "__fish_callcheck_using_subcommand demo" -l fault -d 'Break the embedded server on purpose, so that this cause is there to be found; `list` prints those on offer' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand demo" -l timeout -d 'The bound on the whole run; what was seen until then is reported [default: 10s, and 5m where every port is tried]' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand demo" -l bind -d 'Send from this address or network interface' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand demo" -l config -d 'The configuration file [default: ./callcheck.toml, then callcheck/callcheck.toml in the user\'s folder of configurations]' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand demo" -l ca -d 'Trust the roots in this PEM file beside the system\'s' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand demo" -l control -d 'A STUN server to compare with, in place of the built-in public ones; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand demo" -l format -d 'The form of the report' -r -f -a "text\t'For people'
json\t'For programs'"
complete -c callcheck -n "__fish_callcheck_using_subcommand demo" -l report -d 'Write the report to a file too; the suffix (.json, .txt) gives the form' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand demo" -l color -d 'When to use colours; `NO_COLOR` is respected' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c callcheck -n "__fish_callcheck_using_subcommand demo" -l deny -d 'Fail on this cause, whatever its level; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand demo" -l allow -d 'Take this cause as no more than a warning; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand demo" -l serve -d 'Keep the server up until Ctrl-C, and print how to reach it'
complete -c callcheck -n "__fish_callcheck_using_subcommand demo" -s 4 -l ipv4 -d 'IPv4 alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand demo" -s 6 -l ipv6 -d 'IPv6 alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand demo" -l no-controls -d 'Ask no host but the target: who blocks can then not be told'
complete -c callcheck -n "__fish_callcheck_using_subcommand demo" -l json -d 'The same as --format json'
complete -c callcheck -n "__fish_callcheck_using_subcommand demo" -l mask-addresses -d 'Replace addresses and host names in the report, the same one by the same one'
complete -c callcheck -n "__fish_callcheck_using_subcommand demo" -l strict -d 'Exit with 1 when calls work for some users only, or badly'
complete -c callcheck -n "__fish_callcheck_using_subcommand demo" -s v -l verbose -d 'List every observation'
complete -c callcheck -n "__fish_callcheck_using_subcommand demo" -s q -l quiet -d 'Say the verdict alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c callcheck -n "__fish_callcheck_using_subcommand explain" -l timeout -d 'The bound on the whole run; what was seen until then is reported [default: 10s, and 5m where every port is tried]' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand explain" -l bind -d 'Send from this address or network interface' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand explain" -l config -d 'The configuration file [default: ./callcheck.toml, then callcheck/callcheck.toml in the user\'s folder of configurations]' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand explain" -l ca -d 'Trust the roots in this PEM file beside the system\'s' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand explain" -l control -d 'A STUN server to compare with, in place of the built-in public ones; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand explain" -l format -d 'The form of the report' -r -f -a "text\t'For people'
json\t'For programs'"
complete -c callcheck -n "__fish_callcheck_using_subcommand explain" -l report -d 'Write the report to a file too; the suffix (.json, .txt) gives the form' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand explain" -l color -d 'When to use colours; `NO_COLOR` is respected' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c callcheck -n "__fish_callcheck_using_subcommand explain" -l deny -d 'Fail on this cause, whatever its level; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand explain" -l allow -d 'Take this cause as no more than a warning; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand explain" -l list -d 'List all causes'
complete -c callcheck -n "__fish_callcheck_using_subcommand explain" -s 4 -l ipv4 -d 'IPv4 alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand explain" -s 6 -l ipv6 -d 'IPv6 alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand explain" -l no-controls -d 'Ask no host but the target: who blocks can then not be told'
complete -c callcheck -n "__fish_callcheck_using_subcommand explain" -l json -d 'The same as --format json'
complete -c callcheck -n "__fish_callcheck_using_subcommand explain" -l mask-addresses -d 'Replace addresses and host names in the report, the same one by the same one'
complete -c callcheck -n "__fish_callcheck_using_subcommand explain" -l strict -d 'Exit with 1 when calls work for some users only, or badly'
complete -c callcheck -n "__fish_callcheck_using_subcommand explain" -s v -l verbose -d 'List every observation'
complete -c callcheck -n "__fish_callcheck_using_subcommand explain" -s q -l quiet -d 'Say the verdict alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c callcheck -n "__fish_callcheck_using_subcommand replay" -l timeout -d 'The bound on the whole run; what was seen until then is reported [default: 10s, and 5m where every port is tried]' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand replay" -l bind -d 'Send from this address or network interface' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand replay" -l config -d 'The configuration file [default: ./callcheck.toml, then callcheck/callcheck.toml in the user\'s folder of configurations]' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand replay" -l ca -d 'Trust the roots in this PEM file beside the system\'s' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand replay" -l control -d 'A STUN server to compare with, in place of the built-in public ones; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand replay" -l format -d 'The form of the report' -r -f -a "text\t'For people'
json\t'For programs'"
complete -c callcheck -n "__fish_callcheck_using_subcommand replay" -l report -d 'Write the report to a file too; the suffix (.json, .txt) gives the form' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand replay" -l color -d 'When to use colours; `NO_COLOR` is respected' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c callcheck -n "__fish_callcheck_using_subcommand replay" -l deny -d 'Fail on this cause, whatever its level; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand replay" -l allow -d 'Take this cause as no more than a warning; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand replay" -s 4 -l ipv4 -d 'IPv4 alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand replay" -s 6 -l ipv6 -d 'IPv6 alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand replay" -l no-controls -d 'Ask no host but the target: who blocks can then not be told'
complete -c callcheck -n "__fish_callcheck_using_subcommand replay" -l json -d 'The same as --format json'
complete -c callcheck -n "__fish_callcheck_using_subcommand replay" -l mask-addresses -d 'Replace addresses and host names in the report, the same one by the same one'
complete -c callcheck -n "__fish_callcheck_using_subcommand replay" -l strict -d 'Exit with 1 when calls work for some users only, or badly'
complete -c callcheck -n "__fish_callcheck_using_subcommand replay" -s v -l verbose -d 'List every observation'
complete -c callcheck -n "__fish_callcheck_using_subcommand replay" -s q -l quiet -d 'Say the verdict alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand replay" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c callcheck -n "__fish_callcheck_using_subcommand completions" -l timeout -d 'The bound on the whole run; what was seen until then is reported [default: 10s, and 5m where every port is tried]' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand completions" -l bind -d 'Send from this address or network interface' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand completions" -l config -d 'The configuration file [default: ./callcheck.toml, then callcheck/callcheck.toml in the user\'s folder of configurations]' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand completions" -l ca -d 'Trust the roots in this PEM file beside the system\'s' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand completions" -l control -d 'A STUN server to compare with, in place of the built-in public ones; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand completions" -l format -d 'The form of the report' -r -f -a "text\t'For people'
json\t'For programs'"
complete -c callcheck -n "__fish_callcheck_using_subcommand completions" -l report -d 'Write the report to a file too; the suffix (.json, .txt) gives the form' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand completions" -l color -d 'When to use colours; `NO_COLOR` is respected' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c callcheck -n "__fish_callcheck_using_subcommand completions" -l deny -d 'Fail on this cause, whatever its level; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand completions" -l allow -d 'Take this cause as no more than a warning; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand completions" -s 4 -l ipv4 -d 'IPv4 alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand completions" -s 6 -l ipv6 -d 'IPv6 alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand completions" -l no-controls -d 'Ask no host but the target: who blocks can then not be told'
complete -c callcheck -n "__fish_callcheck_using_subcommand completions" -l json -d 'The same as --format json'
complete -c callcheck -n "__fish_callcheck_using_subcommand completions" -l mask-addresses -d 'Replace addresses and host names in the report, the same one by the same one'
complete -c callcheck -n "__fish_callcheck_using_subcommand completions" -l strict -d 'Exit with 1 when calls work for some users only, or badly'
complete -c callcheck -n "__fish_callcheck_using_subcommand completions" -s v -l verbose -d 'List every observation'
complete -c callcheck -n "__fish_callcheck_using_subcommand completions" -s q -l quiet -d 'Say the verdict alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c callcheck -n "__fish_callcheck_using_subcommand man" -l timeout -d 'The bound on the whole run; what was seen until then is reported [default: 10s, and 5m where every port is tried]' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand man" -l bind -d 'Send from this address or network interface' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand man" -l config -d 'The configuration file [default: ./callcheck.toml, then callcheck/callcheck.toml in the user\'s folder of configurations]' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand man" -l ca -d 'Trust the roots in this PEM file beside the system\'s' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand man" -l control -d 'A STUN server to compare with, in place of the built-in public ones; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand man" -l format -d 'The form of the report' -r -f -a "text\t'For people'
json\t'For programs'"
complete -c callcheck -n "__fish_callcheck_using_subcommand man" -l report -d 'Write the report to a file too; the suffix (.json, .txt) gives the form' -r -F
complete -c callcheck -n "__fish_callcheck_using_subcommand man" -l color -d 'When to use colours; `NO_COLOR` is respected' -r -f -a "auto\t'On a terminal'
always\t'Always'
never\t'Never'"
complete -c callcheck -n "__fish_callcheck_using_subcommand man" -l deny -d 'Fail on this cause, whatever its level; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand man" -l allow -d 'Take this cause as no more than a warning; repeatable' -r
complete -c callcheck -n "__fish_callcheck_using_subcommand man" -s 4 -l ipv4 -d 'IPv4 alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand man" -s 6 -l ipv6 -d 'IPv6 alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand man" -l no-controls -d 'Ask no host but the target: who blocks can then not be told'
complete -c callcheck -n "__fish_callcheck_using_subcommand man" -l json -d 'The same as --format json'
complete -c callcheck -n "__fish_callcheck_using_subcommand man" -l mask-addresses -d 'Replace addresses and host names in the report, the same one by the same one'
complete -c callcheck -n "__fish_callcheck_using_subcommand man" -l strict -d 'Exit with 1 when calls work for some users only, or badly'
complete -c callcheck -n "__fish_callcheck_using_subcommand man" -s v -l verbose -d 'List every observation'
complete -c callcheck -n "__fish_callcheck_using_subcommand man" -s q -l quiet -d 'Say the verdict alone'
complete -c callcheck -n "__fish_callcheck_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c callcheck -n "__fish_callcheck_using_subcommand help; and not __fish_seen_subcommand_from stun turn external-ip ports responder call demo explain replay completions man help" -f -a "stun" -d 'Ask STUN servers for the own public address, over UDP, TCP and TLS'
complete -c callcheck -n "__fish_callcheck_using_subcommand help; and not __fish_seen_subcommand_from stun turn external-ip ports responder call demo explain replay completions man help" -f -a "turn" -d 'Check a TURN server: login, relay ports, external address, data path'
complete -c callcheck -n "__fish_callcheck_using_subcommand help; and not __fish_seen_subcommand_from stun turn external-ip ports responder call demo explain replay completions man help" -f -a "external-ip" -d 'Check that the address which a TURN server advertises is the one that works'
complete -c callcheck -n "__fish_callcheck_using_subcommand help; and not __fish_seen_subcommand_from stun turn external-ip ports responder call demo explain replay completions man help" -f -a "ports" -d 'Say which ports of a server are open: those it listens on, and its relay range, sampled or port by port'
complete -c callcheck -n "__fish_callcheck_using_subcommand help; and not __fish_seen_subcommand_from stun turn external-ip ports responder call demo explain replay completions man help" -f -a "responder" -d 'Answer on every free port of this host, for a time, so that `ports` elsewhere can say which ones a firewall lets through'
complete -c callcheck -n "__fish_callcheck_using_subcommand help; and not __fish_seen_subcommand_from stun turn external-ip ports responder call demo explain replay completions man help" -f -a "call" -d 'Call through the signaling server, both ends from here or one of them, and say why it fails'
complete -c callcheck -n "__fish_callcheck_using_subcommand help; and not __fish_seen_subcommand_from stun turn external-ip ports responder call demo explain replay completions man help" -f -a "demo" -d 'Run against a server embedded in this program, healthy or broken on purpose'
complete -c callcheck -n "__fish_callcheck_using_subcommand help; and not __fish_seen_subcommand_from stun turn external-ip ports responder call demo explain replay completions man help" -f -a "explain" -d 'Say what a cause means, how it is proved and how to mend it'
complete -c callcheck -n "__fish_callcheck_using_subcommand help; and not __fish_seen_subcommand_from stun turn external-ip ports responder call demo explain replay completions man help" -f -a "replay" -d 'Diagnose a saved report again'
complete -c callcheck -n "__fish_callcheck_using_subcommand help; and not __fish_seen_subcommand_from stun turn external-ip ports responder call demo explain replay completions man help" -f -a "completions" -d 'Print the completion script of a shell'
complete -c callcheck -n "__fish_callcheck_using_subcommand help; and not __fish_seen_subcommand_from stun turn external-ip ports responder call demo explain replay completions man help" -f -a "man" -d 'Print the man page'
complete -c callcheck -n "__fish_callcheck_using_subcommand help; and not __fish_seen_subcommand_from stun turn external-ip ports responder call demo explain replay completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
