# The guardian of one cluster; guardian.rs explains the protocol. Runs in the cluster's home, its input is the pipe.
linger=$1
pg_ctl=$2
trap '' HUP INT QUIT TERM
exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-

while :; do
    while read -r line; do :; done
    [ "$linger" -eq 0 ] || sleep "$linger"
    (: >closing) 2>/dev/null || exit 1
    if read -r line; then
        rm -f closing
        continue
    fi
    # A program that was killed while it started the server may have left one that has not said so yet.
    waited=0
    while [ -e starting ] && [ ! -s data/postmaster.pid ] && [ "$waited" -lt 5 ]; do
        sleep 1
        waited=$((waited + 1))
    done
    rm -f starting
    [ ! -s data/postmaster.pid ] || "$pg_ctl" stop -D data -s -m fast -t 30 || "$pg_ctl" stop -D data -s -m immediate -t 30
    exit 0
done
