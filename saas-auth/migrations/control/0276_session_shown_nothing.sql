-- Whoever came in with a passkey and removes their last one stays signed in here, and has shown nothing that still counts.
alter table auth.session
    drop constraint session_methods_check,
    add constraint session_methods_check
        check (cardinality(methods) <= 8 and methods <@ '{password,email,provider,totp,backup_code,passkey}'::text[]);
