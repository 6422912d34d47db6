//! What a config chooses from: a table of the choices.

/// Makes an enum from a table of choices, each with its name in a config, and with its settings if it
/// has any.
///
/// What depends on the choice is a method of the trait behind the enum's name, which the settings
/// implement in their own file. Where all settings have defaults, `+ Default` lists them.
macro_rules! choices {
    ($(#[$doc:meta])* $vis:vis enum $Kind:ident {
        $($(#[$about:meta])* $Choice:ident = $name:literal,)+
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        $vis enum $Kind {
            $($(#[$about])* #[serde(rename = $name)] $Choice,)+
        }

        impl $Kind {
            /// All of them.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$Choice),+];

            /// Its name in a config.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$Choice => $name,)+
                }
            }

            /// The one of a name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|choice| choice.name() == name)
            }
        }
    };
    ($(#[$doc:meta])* pub enum $Kind:ident: $Trait:ident + Default {
        $($(#[$about:meta])* $Choice:ident($Settings:ty) = $name:literal,)+
    }) => {
        $crate::choice::choices! {
            $(#[$doc])* pub enum $Kind: $Trait {
                $($(#[$about])* $Choice($Settings) = $name,)+
            }
        }

        impl $Kind {
            /// All of them, with their defaults.
            pub fn all() -> [Self; Self::NAMES.len()] {
                [$(Self::$Choice(<$Settings>::default())),+]
            }

            /// The one of a name, with its defaults.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::all().into_iter().find(|choice| choice.name() == name)
            }
        }
    };
    ($(#[$doc:meta])* pub enum $Kind:ident: $Trait:ident {
        $($(#[$about:meta])* $Choice:ident($Settings:ty) = $name:literal,)+
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(expecting = "a section")]
        pub enum $Kind {
            $($(#[$about])* #[serde(rename = $name)] $Choice($Settings),)+
        }

        impl $Kind {
            /// The names of all.
            pub const NAMES: [&'static str; [$($name),+].len()] = [$($name),+];

            /// Its name in a config.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$Choice(_) => $name,)+
                }
            }

            /// What depends on the choice.
            pub(super) fn choice(&self) -> &dyn $Trait {
                match self {
                    $(Self::$Choice(settings) => settings,)+
                }
            }
        }

        $(impl From<$Settings> for $Kind {
            fn from(settings: $Settings) -> Self {
                Self::$Choice(settings)
            }
        })+
    };
}

pub(crate) use choices;
