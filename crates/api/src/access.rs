//! The operation table: who may call what. A contract test holds it equal to the OpenAPI document and tries every row.

use crate::auth::Role;

/// Who may call an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody: what it shows is public.
    Public,
    Roles(&'static [Role]),
}

const REFERRERS: Access = Access::Roles(&[Role::Mediator]);

/// Every operation of the OpenAPI document, by its id.
pub const OPERATIONS: &[(&str, Access)] = &[
    ("create_referral", REFERRERS),
    ("create_referrals_batch", REFERRERS),
    ("get_commune", Access::Public),
    ("get_health_live", Access::Public),
    ("get_health_ready", Access::Public),
    ("get_institution", Access::Public),
    ("get_metrics", Access::Public),
    ("get_openapi", Access::Public),
    ("get_orientation", Access::Public),
    ("get_procedure", Access::Public),
    ("get_referral", REFERRERS),
    ("get_structure", Access::Public),
    ("list_communes", Access::Public),
    ("list_coverage", Access::Public),
    ("list_institutions", Access::Public),
    ("list_procedures", Access::Public),
    ("list_referrals", REFERRERS),
    ("list_structures", Access::Public),
    ("list_structures_geojson", Access::Public),
    ("post_deadlines", Access::Public),
    ("post_orientation", Access::Public),
    ("report_outcome", REFERRERS),
    ("stream_structures", Access::Public),
];

/// Whether one of these roles may call an operation; an operation that isn't in the table is closed to all.
pub fn allows(operation_id: &str, roles: &[Role]) -> bool {
    match OPERATIONS.iter().find(|(known, _)| *known == operation_id) {
        Some((_, Access::Public)) => true,
        Some((_, Access::Roles(allowed))) => roles.iter().any(|role| allowed.contains(role)),
        None => false,
    }
}
