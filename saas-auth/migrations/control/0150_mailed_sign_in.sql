-- A mail to sign in with carries a link, and a code that works in the browser alone that asked for it. Both are the same row, so using one ends
-- both. A code is short, so it is kept under a key of the program's, together with the browser and the address that it was asked for.
delete from auth.email_token where purpose = 'sign_in';

alter table auth.email_token
    add column code_mac bytea,
    add constraint email_token_code_check
        check ((purpose = 'sign_in') = (code_mac is not null) and (code_mac is null or length(code_mac) = 32));

create unique index email_token_code_idx on auth.email_token (code_mac);
