/* SPDX-License-Identifier: Apache-2.0 */
/* ran_help.h - what redoubt ran --help says. */
#pragma once

#define RAN_HELP \
    "gNBs and phones:\n" \
    "  --amf ADDR[:PORT]     the AMF's N2 address [127.0.0.5:38412]\n" \
    "  --n3 ADDR             where the gNBs' tunnels end [127.0.0.1]\n" \
    "  --gnbs N              gNBs, each with one cell [1]\n" \
    "  --gnb-id N            of the first [1]\n" \
    "  --ues N               phones [1]\n" \
    "  --plmn MCC-MNC --tac N --slice SST[-SD]   [001-01, 1, 1]\n" \
    "  --imsi DIGITS         of the first phone; the others follow [001010000000001]\n" \
    "  --key HEX --opc HEX   of every phone [the public test values]\n" \
    "  --csv FILE            or lines of imsi,key,opc: what redoubt subscriber import takes\n" \
    "  --hn-key HEX --hn-id N --hn-profile A|B   home network public key: identities are concealed [none, 1, A]\n" \
    "  --dnn NAME --type IPv4|IPv6|IPv4v6        of the session [internet, IPv4]\n" \
    "  --no-session, --no-register               stop before that\n" \
    "  --tun N               the first N phones have a TUN interface [0]; the others a small IP host of their own\n" \
    "  --netns PREFIX        phone n's interface is in the namespace PREFIXn, which is there already\n" \
    "  --tun-name NAME       of the interface; a number is appended where phones share a namespace [ue]\n" \
    "  --idle SECONDS        phones without traffic are released after that [0: never]\n" \
    "  --sctp auto|kernel|userspace\n" \
    "Load:\n" \
    "  --rate R --count N    N phones, R a second, then a line of JSON with times, and the end\n" \
    "  --parallel P          without --rate: as fast as P at once go [64]\n" \
    "  --stay                the phones of a load stay when it is over, until the process is told to end\n" \
    "  --ping ADDR           each pings this once its session is there; a load then waits for the answer\n" \
    "  --wait SECONDS        a load ends at the latest so long after its last phone began [30]\n" \
    "Control:\n" \
    "  --control PATH        socket for: status [N] · register|deregister|update|service|idle|lose N · session N [DNN]\n" \
    "                        · release N [ID] · ping N ADDR · result · stop; N a phone's number or all [none]\n" \
    "  --debug, --quiet      events are lines of JSON on standard output; a line 'ready' comes when gNBs are in service\n"
