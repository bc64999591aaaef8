//! The operation table: who may call what. Contract tests hold it equal to the OpenAPI document and to `openapi/access.md`, and try
//! every operation as every role.

use std::fmt::Write as _;

use aiguilleur_domain::access::Role;
use strum::VariantArray;

/// Who may call an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody: what it shows is public.
    Public,
    /// Anybody with one of these roles.
    Roles(&'static [Role]),
    /// Mediators, and the partner tools of an organisation that was given the right to refer.
    Referrers,
    /// Any agent at a counter, whatever their role; partner tools as for referring.
    Agents,
}

const ANYBODY_KNOWN: Access = Access::Roles(Role::VARIANTS);
const ADMINISTRATORS: Access = Access::Roles(&[Role::Administrator]);
/// Whoever keeps the directory's records.
const KEEPERS: Access = Access::Roles(&[Role::StructureEditor, Role::NetworkManager, Role::Administrator]);
/// Whoever runs a structure, for its own record; which one that is, the handler says.
const STRUCTURE_EDITORS: Access = Access::Roles(&[Role::StructureEditor, Role::Administrator]);
/// Editors read what was done to their own organisation's records.
const AUDITORS: Access = Access::Roles(&[Role::StructureEditor, Role::InstitutionEditor, Role::Administrator]);

/// Those to whom institutions entrust their contacts.
const MEDIATORS: Access = Access::Roles(&[Role::Mediator]);
/// Those who keep an institution's contacts.
const CONTACT_KEEPERS: Access = Access::Roles(&[Role::InstitutionEditor]);
const CONTACT_READERS: Access = Access::Roles(&[Role::Mediator, Role::InstitutionEditor]);
const MISUSE_READERS: Access = Access::Roles(&[Role::InstitutionEditor, Role::Administrator]);
/// Whoever may belong to a network: its own rows are all they see.
const BELONGING: Access =
    Access::Roles(&[Role::Mediator, Role::StructureEditor, Role::InstitutionEditor, Role::NetworkManager, Role::Administrator]);
/// Whoever writes down what the network knows.
const NOTE_WRITERS: Access = Access::Roles(&[Role::Mediator, Role::StructureEditor, Role::InstitutionEditor, Role::NetworkManager]);
/// Of the network that they keep.
const NETWORK_KEEPERS: Access = Access::Roles(&[Role::NetworkManager, Role::Administrator]);

/// Whoever keeps a record; whose it is, the handler says.
const HISTORIANS: Access = Access::Roles(&[Role::StructureEditor, Role::InstitutionEditor, Role::NetworkManager, Role::Administrator]);

/// Every operation of the OpenAPI document, by its id.
pub const OPERATIONS: &[(&str, Access)] = &[
    ("add_handoff", Access::Referrers),
    ("add_member", ADMINISTRATORS),
    ("add_network_member", NETWORK_KEEPERS),
    ("create_charter_acceptance", MEDIATORS),
    ("create_claim", Access::Roles(&[Role::StructureEditor])),
    ("create_issuer", ADMINISTRATORS),
    ("create_link", Access::Referrers),
    ("create_message", MEDIATORS),
    ("create_network", ADMINISTRATORS),
    ("create_organisation", ADMINISTRATORS),
    ("create_partner_key", ADMINISTRATORS),
    ("create_referent", CONTACT_KEEPERS),
    ("create_referral", Access::Referrers),
    ("create_referrals_batch", Access::Referrers),
    ("create_showing", MEDIATORS),
    ("create_suggestion", ANYBODY_KNOWN),
    ("create_transition", Access::Referrers),
    ("get_charter", MEDIATORS),
    ("get_commune", Access::Public),
    ("get_health_live", Access::Public),
    ("get_health_ready", Access::Public),
    ("get_institution", Access::Public),
    ("get_me", ANYBODY_KNOWN),
    ("get_metrics", Access::Public),
    ("get_network", BELONGING),
    ("get_openapi", Access::Public),
    ("get_organisation", ADMINISTRATORS),
    ("get_orientation", Access::Public),
    ("get_practice_note", BELONGING),
    ("get_procedure", Access::Public),
    ("get_referent", CONTACT_READERS),
    ("get_referral", Access::Referrers),
    ("get_slip", Access::Referrers),
    ("get_structure", Access::Public),
    ("list_audit", AUDITORS),
    ("list_claims", ADMINISTRATORS),
    ("list_communes", Access::Public),
    ("list_corrections", KEEPERS),
    ("list_coverage", Access::Public),
    ("list_follow_ups", Access::Referrers),
    ("list_history", HISTORIANS),
    ("list_institutions", Access::Public),
    ("list_issuers", ADMINISTRATORS),
    ("list_members", ADMINISTRATORS),
    ("list_misuse_reports", MISUSE_READERS),
    ("list_network_gaps", BELONGING),
    ("list_network_members", BELONGING),
    ("list_networks", BELONGING),
    ("list_organisations", ADMINISTRATORS),
    ("list_partner_keys", ADMINISTRATORS),
    ("list_practice_notes", BELONGING),
    ("list_procedures", Access::Public),
    ("list_referents", CONTACT_READERS),
    ("list_referral_figures", Access::Public),
    ("list_referrals", Access::Referrers),
    ("list_showings", CONTACT_KEEPERS),
    ("list_structures", Access::Public),
    ("list_structures_geojson", Access::Public),
    ("list_suggestions", STRUCTURE_EDITORS),
    ("post_deadlines", Access::Public),
    ("post_orientation", Access::Public),
    ("remove_issuer", ADMINISTRATORS),
    ("remove_member", ADMINISTRATORS),
    ("remove_network_member", NETWORK_KEEPERS),
    ("remove_practice_note", NOTE_WRITERS),
    ("remove_referent", CONTACT_KEEPERS),
    ("report_arrival", Access::Agents),
    ("report_misuse", CONTACT_KEEPERS),
    ("report_outcome", Access::Referrers),
    ("report_outcome_by_code", Access::Agents),
    ("report_refusal", Access::Referrers),
    ("restore_record", HISTORIANS),
    ("revoke_partner_key", ADMINISTRATORS),
    ("rotate_partner_key", ADMINISTRATORS),
    ("stream_audit", ADMINISTRATORS),
    ("stream_structures", Access::Public),
    ("update_capacity", STRUCTURE_EDITORS),
    ("update_claim", ADMINISTRATORS),
    ("update_correction", KEEPERS),
    ("update_institution", ADMINISTRATORS),
    ("update_member", ADMINISTRATORS),
    ("update_misuse_report", ADMINISTRATORS),
    ("update_network", ADMINISTRATORS),
    ("update_organisation", ADMINISTRATORS),
    ("update_procedure", ADMINISTRATORS),
    ("update_referent", CONTACT_KEEPERS),
    ("update_structure", STRUCTURE_EDITORS),
    ("update_suggestion", STRUCTURE_EDITORS),
    ("write_practice_note", NOTE_WRITERS),
];

/// Who may call an operation; `None` when it isn't in the table.
pub fn of(operation_id: &str) -> Option<Access> {
    OPERATIONS.iter().find(|(known, _)| *known == operation_id).map(|(_, access)| *access)
}

/// Whether somebody with these roles may call an operation; one that isn't in the table is closed to all. `may_refer`: their
/// organisation's partner tools have the right to.
pub fn allows(operation_id: &str, roles: &[Role], may_refer: bool) -> bool {
    match of(operation_id) {
        Some(Access::Public) => true,
        Some(Access::Roles(allowed)) => roles.iter().any(|role| allowed.contains(role)),
        Some(Access::Agents) => roles.iter().any(|role| *role != Role::Partner || may_refer),
        Some(Access::Referrers) => roles.contains(&Role::Mediator) || (may_refer && roles.contains(&Role::Partner)),
        None => false,
    }
}

/// Whether these roles ask for a right of their organisation.
pub fn needs_right(roles: &[Role]) -> bool {
    roles.contains(&Role::Partner)
}

/// The table as Markdown, operations by roles.
pub fn table() -> String {
    let mut table = String::from(
        "# Who may call what\n\nGenerated from `crates/api/src/access.rs` by `make openapi`; tests try every cell.\n\n\
         ✓ may, · may not, (✓) may where the organisation was given the right to refer.\n\n| operation | nobody known |",
    );
    for role in Role::VARIANTS {
        let _ = write!(table, " {role} |");
    }
    table.push_str("\n|---|---|");
    table.push_str(&"---|".repeat(Role::VARIANTS.len()));
    for (operation, access) in OPERATIONS {
        let _ = write!(table, "\n| `{operation}` | {} |", if *access == Access::Public { "✓" } else { "·" });
        for &role in Role::VARIANTS {
            let (without, with) = (allows(operation, &[role], false), allows(operation, &[role], true));
            let _ = write!(
                table,
                " {} |",
                if without {
                    "✓"
                } else if with {
                    "(✓)"
                } else {
                    "·"
                }
            );
        }
    }
    table.push('\n');
    table
}
